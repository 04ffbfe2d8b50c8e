import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import {
  audit as auditTree,
  type AuditResult,
  protocols,
  type Site,
  siteFile,
  standing,
} from '../audit/index.ts'
import { suggest, unreachable } from '../base/index.ts'
import { isVersion, kernels, policies as knownPolicies } from '../kernel/index.ts'
import { renderGithub } from '../report/audit-github.ts'
import { renderMarkdown } from '../report/audit-markdown.ts'
import { renderSarif } from '../report/audit-sarif.ts'
import { renderAudit, renderSummary } from '../report/audit-text.ts'
import { ansi, plain, type Style } from '../report/style.ts'
import { Overlay, type Program, type Tree } from '../source/index.ts'
import { hint, type InputOptions, openInput } from './audit-input.ts'
import { auditPage } from './audit-page.ts'
import { pages } from './explain.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'
import { Progress } from './progress.ts'
import { version } from './version.ts'

export const audit: Command = {
  name: 'audit',
  summary: 'every site that borrows memory: verdict, witness, repair',
  usage: `
usage: tenure audit [options] TREE
       tenure audit [options] --git REPOSITORY REVISION

TREE is a kernel tree, a folder of drivers, one .c file, or a tarball (a
Debian linux-source-*.tar.xz as it is in the package).

  --git REPOSITORY     audit a revision of it, without a checkout
  --against KERNEL     the tree is a driver from outside the kernel: look
                       its helpers up in this tree, report the driver's
                       sites only

  --protocol NAME      only this one; may be given more than once
                       (${protocols.join(', ')};
                       left out, ${standing.join(', ')})
  --kernel V           judge by this kernel's rules; left out, by those of
                       the version in the tree's Makefile
  --policy NAME=VALUE  with this policy; may be given more than once
  --format text|json|html|markdown|sarif|github
                       json is documented in docs/audit-json.md; html is
                       one file that holds everything; sarif is SARIF
                       2.1.0; github is what GitHub's actions print
  --litmus DIR         write the lifted tests there, and the repaired ones
  --quiet              only the sums

Exit codes: 0 nothing is broken, 1 something is, 2 the tree could not be
read.`,
  run,
}

const formats = ['text', 'json', 'html', 'markdown', 'sarif', 'github'] as const
type Format = (typeof formats)[number]

type Options = InputOptions & {
  readonly tree: string
  readonly kernel: string | undefined
  readonly protocols: readonly string[] | undefined
  readonly policies: Readonly<Record<string, string>>
  readonly format: Format
  readonly quiet: boolean
  readonly litmus: string | undefined
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(argv)
  const style = io.outIsTerminal ? ansi : plain
  const progress = io.errIsTerminal ? new Progress(io) : undefined
  try {
    const input = await openInput(options.tree, options, io, progress)
    if (input === undefined) return exit.failed
    const { tree, program } = input
    try {
      const result = await auditTree(program, {
        treeKernel: tree.kernel?.text,
        ...(options.kernel !== undefined && { kernel: options.kernel }),
        policies: options.policies,
        ...(options.protocols !== undefined && { protocols: options.protocols }),
        version,
        path: input.name,
        signal: io.signal,
        onProgress: (done, of) => progress?.say(`judged ${done} sites of ${of} functions`),
      })
      progress?.clear()
      // One file was asked for, and it could not be read: nothing was audited.
      const [problem] = tree.kind === 'file' && result.sites.length === 0 ? readable(tree) : []
      if (problem !== undefined)
        throw new UsageError(`${options.tree} cannot be audited: ${problem.message}`, hint)
      if (options.litmus !== undefined) writeTests(result, options.litmus)
      io.out(rendered(result, program, options, style))
      return result.summary.broken > 0 ? exit.found : exit.ok
    } finally {
      await program.close()
    }
  } finally {
    progress?.clear()
  }
}

function rendered(result: AuditResult, program: Program, options: Options, style: Style): string {
  const lineOf = (file: string, line: number) => program.file(file)?.source.line(line)
  switch (options.format) {
    case 'html':
      return auditPage(result, (file) => program.file(file)?.source.text)
    case 'json':
      return `${JSON.stringify(result, null, 1)}\n`
    case 'sarif':
      return renderSarif(result, { page: pageOf, lineOf, prefix: prefixOf(program.tree) })
    case 'github':
      return renderGithub(result, prefixOf(program.tree))
    case 'markdown':
      return renderMarkdown(result, lineOf)
    case 'text':
      return options.quiet
        ? `${renderSummary(result, style).join('\n')}\n`
        : `${renderAudit(result, lineOf, style)}\n`
    default:
      return unreachable(options.format)
  }
}

/** The way from where we stand to the tree, when the tree is below: paths of a report then begin where the reader stands. */
function prefixOf(tree: Tree): string {
  const root = tree instanceof Overlay ? tree.top.root : tree.root
  if (root === undefined) return ''
  const way = relative(realpathSync('.'), root)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? '' : `${way.split(sep).join('/')}/`
}

function pageOf(code: string): string | undefined {
  const page = pages().get(code)
  return page === undefined ? undefined : readFileSync(page, 'utf8')
}

function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      git: { type: 'string' },
      against: { type: 'string' },
      protocol: { type: 'string', multiple: true },
      kernel: { type: 'string' },
      policy: { type: 'string', multiple: true },
      format: { type: 'string', default: 'text' },
      litmus: { type: 'string' },
      quiet: { type: 'boolean', default: false },
    },
  })
  const [tree, second] = positionals
  if (tree === undefined)
    throw new UsageError(values.git === undefined ? 'which tree?' : `which revision of ${values.git}?`)
  if (second !== undefined) throw new UsageError(`one tree at a time; '${second}' is a second one`)
  for (const p of values.protocol ?? [])
    if (!(protocols as readonly string[]).includes(p))
      throw new UsageError(`there is no protocol '${p}'`, meant(p, protocols))
  if (values.kernel !== undefined && !isVersion(values.kernel))
    throw new UsageError(
      `kernel ${values.kernel} is not modelled`,
      `one of ${kernels.join(', ')}, or a release between`,
    )
  const format = formats.find((f) => f === values.format)
  if (format === undefined)
    throw new UsageError(`there is no format '${values.format}'`, meant(values.format, formats))
  return {
    tree,
    git: values.git,
    against: values.against,
    kernel: values.kernel,
    protocols: values.protocol === undefined ? undefined : [...new Set(values.protocol)],
    policies: Object.fromEntries((values.policy ?? []).map(policy)),
    format,
    quiet: values.quiet,
    litmus: values.litmus,
  }
}

function policy(text: string): [string, string] {
  const at = text.indexOf('=')
  const name = at < 0 ? text : text.slice(0, at)
  const value = text.slice(at + 1)
  const known = (knownPolicies as Record<string, { readonly values: Readonly<Record<string, unknown>> }>)[
    name
  ]
  if (known === undefined)
    throw new UsageError(`there is no policy '${name}'`, meant(name, Object.keys(knownPolicies)))
  const words = Object.keys(known.values)
  if (at < 0 || !words.includes(value))
    throw new UsageError(`${name} can be ${words.join(', ')}`, `--policy ${name}=${words[0]}`)
  return [name, value]
}

/** What is wrong with a tree that is one file. */
function readable(tree: Tree): readonly { readonly message: string }[] {
  tree.text(tree.files[0]!)
  return tree.problems
}

const meant = (word: string, of: readonly string[]): string => {
  const [near] = suggest(word, of)
  return near === undefined ? `one of ${of.join(', ')}` : `did you mean '${near}'?`
}

/** Each test is written beside its place and then moved there: an interrupted run leaves no half of one. */
function writeTests(result: AuditResult, dir: string): void {
  mkdirSync(dir, { recursive: true })
  for (const s of result.sites) {
    if (s.litmus !== undefined) writeWhole(join(dir, siteFile(s)), s.litmus.text)
    if (s.repair !== undefined) writeWhole(join(dir, repairFile(s)), s.repair.litmus)
  }
}

const repairFile = (s: Site): string => siteFile(s).replace(/\.litmus$/, `+${s.repair!.name}.litmus`)

function writeWhole(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(beside, text)
    renameSync(beside, path)
  } catch (e) {
    rmSync(beside, { force: true })
    throw new UsageError(
      `${path} cannot be written: ${e instanceof Error ? e.message : String(e)}`,
      'give --litmus a folder that can be written to',
    )
  }
}
