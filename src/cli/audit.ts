import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type AuditOptions,
  audit as auditTree,
  type AuditResult,
  type Baseline,
  baselineOf,
  isNewlyBroken,
  Judge,
  parseBaseline,
  protocols,
  type Site,
  siteFile,
  standing,
  concernedBy,
  whatIf,
  withBaseline,
} from '../audit/index.ts'
import { aside } from './aside.ts'
import { suggest, unreachable } from '../base/index.ts'
import { isVersion, kernels, policies as knownPolicies } from '../kernel/index.ts'
import { renderGithub } from '../report/audit-github.ts'
import { renderMarkdown } from '../report/audit-markdown.ts'
import { renderSarif } from '../report/audit-sarif.ts'
import { renderAudit, renderSummary } from '../report/audit-text.ts'
import { renderComparison, renderComparisonSummary } from '../report/compare-text.ts'
import { renderWhatIf, renderWhatIfSummary } from '../report/what-if-text.ts'
import { ansi, plain, type Style } from '../report/style.ts'
import { identityOf, identityUnopened, Overlay, type Program, type Tree } from '../source/index.ts'
import { compareAudits, patchedInput } from './audit-compare.ts'
import { hint, type Input, type InputOptions, openInput } from './audit-input.ts'
import { auditPage, comparisonPage } from './audit-page.ts'
import { pages } from './explain.ts'
import { Cache } from './cache.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'
import { Progress } from './progress.ts'
import { version } from './version.ts'

export const audit: Command = {
  name: 'audit',
  summary: 'every site that borrows memory: verdict, witness, repair',
  usage: `
usage: tenure audit [options] TREE
       tenure audit [options] --git REPOSITORY REVISION
       tenure audit [options] --patch FILE TREE
       tenure audit [options] --diff OLD NEW

TREE is a kernel tree, a folder of drivers, one .c file, or a tarball (a
Debian linux-source-*.tar.xz as it is in the package).

  --git REPOSITORY     audit a revision of it, without a checkout
  --against KERNEL     the tree is a driver from outside the kernel: look
                       its helpers up in this tree, report the driver's
                       sites only

  --patch FILE         what a unified diff changes ('-' is standard input);
                       nothing is written to the tree
  --diff               what is different in the second of two trees, or
                       with --git of two revisions
  --baseline FILE      findings in it are known: only others are told in
                       full and count for the exit code
  --write-baseline FILE
                       write such a file of what is broken now

  --protocol NAME      only this one; may be given more than once
                       (${protocols.join(', ')};
                       left out, ${standing.join(', ')})
  --kernel V           judge by this kernel's rules; left out, by those of
                       the version in the tree's Makefile
  --policy NAME=VALUE  with this policy; may be given more than once
  --what-if            what the policies would do: who breaks, who stays
                       unsafe, who is fine, who cannot be proved; those
                       protocols that a policy speaks of, if none is named
  --format text|json|html|markdown|sarif|github
                       json is documented in docs/audit-json.md; html is
                       one file that holds everything; sarif is SARIF
                       2.1.0; github is what GitHub's actions print
  --litmus DIR         write the lifted tests there, and the repaired ones
  --quiet              only the sums
  --cache DIR          where results of large trees are kept; left out,
                       ~/.cache/tenure/audits. It can be deleted
  --no-cache           neither use nor keep any

Exit codes: 0 nothing is broken, 1 something is, 2 the tree could not be
read. With --patch, --diff and --baseline only what is newly broken counts.`,
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
  readonly patch: string | undefined
  /** The new tree of a comparison. */
  readonly diff: string | undefined
  readonly baseline: string | undefined
  readonly writeBaseline: string | undefined
  readonly cache: Cache | undefined
  readonly whatIf: boolean
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const options = parseOptions(argv)
  const progress = io.errIsTerminal ? new Progress(io) : undefined
  const optionsOf = ({ name, tree }: Input): AuditOptions => ({
    treeKernel: tree.kernel?.text,
    ...(options.kernel !== undefined && { kernel: options.kernel }),
    policies: options.policies,
    ...(options.protocols !== undefined && { protocols: options.protocols }),
    version,
    path: name,
    replay: commandOf(argv),
    signal: io.signal,
    aside,
    onProgress: (done, of) => progress?.say(`judged ${done} sites of ${of} functions`),
  })
  try {
    if (options.whatIf) return await propose(options, optionsOf, io, progress)
    return options.patch !== undefined || options.diff !== undefined
      ? await compare(options, optionsOf, io, progress)
      : await auditOne(options, optionsOf, commandOf(argv), io, progress)
  } finally {
    progress?.clear()
  }
}

type OptionsOf = (input: Input) => AuditOptions

async function auditOne(
  options: Options,
  optionsOf: OptionsOf,
  command: string,
  io: Io,
  progress: Progress | undefined,
): Promise<number> {
  const found = await audited(options, optionsOf, command, io, progress)
  progress?.clear()
  if (found === undefined) return exit.failed
  const { lineOf } = found
  const result =
    options.baseline === undefined ? found.result : known(found.result, options.baseline, lineOf, io)
  if (options.litmus !== undefined) writeTests(result, options.litmus)
  if (options.writeBaseline !== undefined)
    writeWhole(
      options.writeBaseline,
      `${JSON.stringify(baselineOf(result, lineOf), null, 1)}\n`,
      'give --write-baseline a file that can be written to',
    )
  io.out(rendered({ ...found, result }, options, io.outIsTerminal ? ansi : plain))
  return result.sites.some((s) => s.verdict === 'broken' && s.known !== true) ? exit.found : exit.ok
}

/** The audit of what was named, from the cache if it is there. Undefined: it could not be read, and that has been said. */
async function audited(
  options: Options,
  optionsOf: OptionsOf,
  command: string,
  io: Io,
  progress: Progress | undefined,
): Promise<Audited | undefined> {
  const cache = options.cache
  const keyOf = (identity: string): string =>
    cache!.key(
      identity,
      options.tree,
      options.kernel,
      options.protocols ?? standing,
      options.policies,
      command,
    )
  // A tarball or a revision that is known need not even be opened; a page wants more of its text than is kept.
  const unopened =
    cache === undefined || options.against !== undefined || options.format === 'html'
      ? undefined
      : identityUnopened(options.tree, options.git)
  if (cache !== undefined && unopened !== undefined) {
    const stored = storedIn(cache, keyOf(unopened))
    if (stored !== undefined) return { ...stored, prefix: '', textOf: () => undefined }
  }
  const input = await openInput(options.tree, options, io, progress)
  if (input === undefined) return undefined
  const { tree, program } = input
  try {
    const rest = { prefix: prefixOf(tree), textOf: (file: string) => tree.text(file) }
    const identity =
      cache === undefined || tree.files.length < worthKeeping ? undefined : (unopened ?? identityOf(tree))
    if (cache !== undefined && identity !== undefined) {
      const stored = storedIn(cache, keyOf(identity))
      if (stored !== undefined) return { ...stored, ...rest }
    }
    const result = await auditTree(program, optionsOf(input))
    // One file was asked for, and it could not be read: nothing was audited.
    const [problem] = tree.kind === 'file' && result.sites.length === 0 ? readable(tree) : []
    if (problem !== undefined)
      throw new UsageError(`${options.tree} cannot be audited: ${problem.message}`, hint)
    const lineOf = lineIn(program)
    const lines = linesOf(result, lineOf)
    // Only what was the same all the time is kept.
    if (cache !== undefined && identity !== undefined && identity === (unopened ?? identityOf(tree)))
      cache.put(keyOf(identity), { result, lines })
    return { result, lineOf: (file, line) => lines[file]?.[line] ?? lineOf(file, line), ...rest }
  } finally {
    await program.close()
  }
}

/** One side of a comparison, from the cache if it is there. */
async function auditSide(
  { name, program, tree }: Input,
  { cache, kernel, policies }: Options,
  asked: AuditOptions,
  judge: Judge,
  keeps: boolean,
): Promise<AuditResult> {
  const identity =
    cache === undefined || !keeps || tree.files.length < worthKeeping ? undefined : identityOf(tree)
  if (cache === undefined || identity === undefined) return await auditTree(program, asked, judge)
  const key = cache.key('side', identity, name, kernel, asked.protocols ?? standing, policies)
  const stored = cache.get(key) as AuditResult | undefined
  if (stored !== undefined) return stored
  const result = await auditTree(program, asked, judge)
  if (identity === identityOf(tree)) cache.put(key, result)
  return result
}

/** Smaller trees are read as fast as they are looked up. */
const worthKeeping = 1000

type LineOf = (file: string, line: number) => string | undefined
type Audited = {
  readonly result: AuditResult
  readonly lineOf: LineOf
  readonly textOf: (file: string) => string | undefined
  /** The way from where we stand to the tree. */
  readonly prefix: string
}
type Lines = Readonly<Record<string, Readonly<Record<number, string>>>>

function storedIn(cache: Cache, key: string): Pick<Audited, 'result' | 'lineOf'> | undefined {
  const stored = cache.get(key) as { readonly result: AuditResult; readonly lines: Lines } | undefined
  return stored && { result: stored.result, lineOf: (file, line) => stored.lines[file]?.[line] }
}

/** The lines of the tree that a result speaks of. */
function linesOf(result: AuditResult, lineOf: LineOf): Lines {
  const lines: Record<string, Record<number, string>> = {}
  const keep = (file: string, line: number): void => {
    const text = lineOf(file, line)
    if (text !== undefined) (lines[file] ??= {})[line] = text
  }
  for (const s of result.sites) {
    keep(s.file, s.line)
    for (const h of s.escapes) keep(h.file, h.line)
    for (const e of s.repair?.edits ?? []) keep(e.file, e.line)
    for (const { place = '' } of s.witness?.steps ?? []) {
      const m = /^(.*):(\d+)$/.exec(place)
      if (m) keep(m[1]!, Number(m[2]))
    }
  }
  return lines
}

async function compare(
  options: Options,
  optionsOf: OptionsOf,
  io: Io,
  progress: Progress | undefined,
): Promise<number> {
  const style = io.outIsTerminal ? ansi : plain
  const before = await openInput(options.tree, options, io, progress)
  if (before === undefined) return exit.failed
  try {
    const after =
      options.diff === undefined ? undefined : await openInput(options.diff, options, io, progress)
    const sides =
      options.patch !== undefined
        ? patchedInput(before, options.patch, io)
        : after && { before, after, renamed: new Map<string, string>() }
    if (sides === undefined) return exit.failed
    const { program, tree } = sides.after
    try {
      const { comparison, result } = await compareAudits(sides, optionsOf, progress, (input, judge) =>
        // What a patch makes of a tree is seldom asked for twice.
        auditSide(input, options, optionsOf(input), judge, options.patch === undefined || input === before),
      )
      progress?.clear()
      if (options.litmus !== undefined) writeTests(result, options.litmus)
      const lineOf = lineIn(program)
      if (options.format === 'json') io.out(`${JSON.stringify(comparison, null, 1)}\n`)
      else if (options.format === 'text' && options.quiet)
        io.out(`${renderComparisonSummary(comparison, style).join('\n')}\n`)
      else if (options.format === 'text') io.out(`${renderComparison(comparison, lineOf, style)}\n`)
      else {
        const textOf = (file: string): string | undefined => program.file(file)?.source.text
        if (options.format === 'html') io.out(comparisonPage(comparison, result, textOf))
        else io.out(rendered({ result, lineOf, textOf, prefix: prefixOf(tree) }, options, style))
      }
      return comparison.changes.some(isNewlyBroken) ? exit.found : exit.ok
    } finally {
      await program.close()
    }
  } finally {
    await before.program.close()
  }
}

/** The tree as it is, and as it would be with the policies. */
async function propose(
  options: Options,
  optionsOf: OptionsOf,
  io: Io,
  progress: Progress | undefined,
): Promise<number> {
  const input = await openInput(options.tree, options, io, progress)
  if (input === undefined) return exit.failed
  try {
    const judge = new Judge()
    const all = optionsOf(input)
    const about = options.protocols ?? concernedBy(options.policies)
    const asked = { ...all, ...(about && { protocols: about }) }
    const today = await auditTree(input.program, { ...asked, policies: {} }, judge)
    const proposed = await auditTree(input.program, asked, judge)
    progress?.clear()
    const found = whatIf(today, proposed, options.policies, judge)
    const style = io.outIsTerminal ? ansi : plain
    if (options.format === 'json') io.out(`${JSON.stringify(found, null, 1)}\n`)
    else io.out(`${options.quiet ? renderWhatIfSummary(found).join('\n') : renderWhatIf(found, style)}\n`)
    const { breaks, unsafe } = found.summary
    return breaks + unsafe + found.summary['newly-unsafe'] > 0 ? exit.found : exit.ok
  } finally {
    await input.program.close()
  }
}

const lineIn =
  (program: Program) =>
  (file: string, line: number): string | undefined =>
    program.file(file)?.source.line(line)

/** The command line that gives this audit again, but for where it writes. */
function commandOf(argv: readonly string[]): string {
  const kept = argv.filter((a, i) => {
    const option = /^--(litmus|format|write-baseline|baseline|cache)$/
    return (
      !option.test(a) &&
      !option.test(argv[i - 1] ?? '') &&
      !/^--(litmus|format|write-baseline|baseline|cache)=|^--(quiet|no-cache)$/.test(a)
    )
  })
  const quoted = (a: string): string => (/^[\w./@%+=:,^~-]+$/.test(a) ? a : `'${a.replaceAll("'", "'\\''")}'`)
  return ['tenure audit', ...kept.map(quoted)].join(' ')
}

/** With what is in the baseline marked; what is in it and not in the tree any more is said. */
function known(result: AuditResult, file: string, lineOf: LineOf, io: Io): AuditResult {
  let baseline: Baseline
  try {
    baseline = parseBaseline(readFileSync(file, 'utf8'))
  } catch (e) {
    throw new UsageError(
      `the baseline ${file} cannot be used: ${e instanceof Error ? e.message : String(e)}`,
      `'tenure audit --write-baseline ${file} TREE' writes one`,
    )
  }
  const marked = withBaseline(result, baseline, lineOf)
  for (const g of marked.gone)
    io.err(`note: ${file} has ${g.classes.join(', ')} in ${g.function}() of ${g.file}, which is gone\n`)
  return marked.result
}

function rendered({ result, lineOf, textOf, prefix }: Audited, options: Options, style: Style): string {
  const compared = [options.baseline, options.patch, options.diff].some((o) => o !== undefined)
  switch (options.format) {
    case 'html':
      return auditPage(result, textOf)
    case 'json':
      return `${JSON.stringify(result, null, 1)}\n`
    case 'sarif':
      return renderSarif(result, { page: pageOf, lineOf, prefix, compared })
    case 'github':
      return renderGithub(result, prefix)
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
      patch: { type: 'string' },
      diff: { type: 'boolean', default: false },
      baseline: { type: 'string' },
      'write-baseline': { type: 'string' },
      cache: { type: 'string' },
      'what-if': { type: 'boolean', default: false },
      'no-cache': { type: 'boolean', default: false },
      against: { type: 'string' },
      protocol: { type: 'string', multiple: true },
      kernel: { type: 'string' },
      policy: { type: 'string', multiple: true },
      format: { type: 'string', default: 'text' },
      litmus: { type: 'string' },
      quiet: { type: 'boolean', default: false },
    },
  })
  const [tree, second, third] = positionals
  if (tree === undefined)
    throw new UsageError(values.git === undefined ? 'which tree?' : `which revision of ${values.git}?`)
  if (values.diff && second === undefined)
    throw new UsageError(`what is ${tree} compared with?`, '--diff OLD NEW')
  const extra = values.diff ? third : second
  if (extra !== undefined)
    throw new UsageError(
      `one tree at a time; '${extra}' is one more`,
      /^[\w-]+=/.test(extra) ? `--policy ${extra}` : '--diff OLD NEW compares two',
    )
  if (values.diff && values.patch !== undefined)
    throw new UsageError('--diff and --patch are two comparisons', 'give one of them')
  if (
    (values.diff || values.patch !== undefined) &&
    (values.baseline ?? values['write-baseline']) !== undefined
  )
    throw new UsageError('a comparison has its own baseline: the old tree', 'leave the baseline out')
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
  if (values['what-if']) {
    if (values.policy === undefined)
      throw new UsageError('what if what?', `--what-if --policy ${Object.keys(knownPolicies)[0]!}=…`)
    if (format !== 'text' && format !== 'json')
      throw new UsageError(`--what-if is not printed as ${format}`, 'text or json')
    if (
      values.diff ||
      (values.patch ?? values.baseline ?? values['write-baseline'] ?? values.litmus) !== undefined
    )
      throw new UsageError(
        '--what-if compares one tree with itself',
        'leave --diff, --patch, --litmus and the baseline out',
      )
  }
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
    patch: values.patch,
    diff: values.diff ? second : undefined,
    baseline: values.baseline,
    writeBaseline: values['write-baseline'],
    whatIf: values['what-if'],
    cache: values['no-cache'] ? undefined : new Cache(values.cache),
  }
}

function policy(text: string): [string, string] {
  const at = text.indexOf('=')
  const name = (at < 0 ? text : text.slice(0, at)).replaceAll('-', '_')
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
    if (s.litmus !== undefined) writeWhole(join(dir, siteFile(s)), s.litmus.text, folderHint)
    if (s.repair !== undefined) writeWhole(join(dir, repairFile(s)), s.repair.litmus, folderHint)
  }
}

const folderHint = 'give --litmus a folder that can be written to'

const repairFile = (s: Site): string => siteFile(s).replace(/\.litmus$/, `+${s.repair!.name}.litmus`)

function writeWhole(path: string, text: string, hint: string): void {
  const beside = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(beside, text)
    renameSync(beside, path)
  } catch (e) {
    rmSync(beside, { force: true })
    throw new UsageError(`${path} cannot be written: ${e instanceof Error ? e.message : String(e)}`, hint)
  }
}
