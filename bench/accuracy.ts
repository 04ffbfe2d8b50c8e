/**
 * npm run bench accuracy -- --truth SITES.jsonl --tree NAME=TREE… [--audit NAME=FILE.json]… [--kind KIND]… [--format text|json]
 *
 * Audits each tree and compares with sites that people judged: SITES.jsonl has one JSON object a line, with `tree` (a NAME), `file`, `line`,
 * `function`, `api`, `kind`, `verdict` (safe, ok-by-contract, unsafe, suspicious) and, of an unsafe one, `bug` or `bugs` (finding
 * classes). `--audit` takes the JSON of an audit made before instead of a tree. Exit code 0: every site is found and every verdict
 * agrees, 1: not all, 2: it could not be measured.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { audit, protocols } from '../src/audit/index.ts'
import { openTree, Program } from '../src/source/index.ts'
import {
  type Audited,
  bugsOf,
  classesOf,
  count,
  countClass,
  type Counts,
  type Pair,
  pair,
  parseTruth,
  type Truth,
} from './accuracy/score.ts'

const usage =
  'usage: npm run bench accuracy -- --truth SITES.jsonl --tree NAME=TREE [--audit NAME=FILE.json] [--kind KIND] [--format json]'

export default async function main(args: string[]): Promise<number> {
  let options: Options
  let truths: Truth[]
  try {
    options = optionsOf(args)
    truths = parseTruth(readFileSync(options.truth, 'utf8'))
  } catch (e) {
    console.error(`${e instanceof Error ? e.message : String(e)}\n${usage}`)
    return 2
  }
  const pairs: Pair[] = []
  for (const [name, from] of options.trees) {
    const of = truths.filter(
      (t) => t.tree === name && (options.kinds.length === 0 || options.kinds.includes(t.kind)),
    )
    if (of.length === 0) {
      console.error(`${options.truth} has no site of tree '${name}'`)
      return 2
    }
    pairs.push(...pair(of, await sitesOf(from, [...new Set(of.map((t) => t.kind))])))
  }
  if (options.json) console.log(JSON.stringify(summary(pairs), undefined, 1))
  else for (const line of [...tables(pairs), ...disagreements(pairs)]) console.log(line)
  const all = count(pairs)
  return all.found === all.sites && all.agree === all.judged ? 0 : 1
}

type From = { readonly tree: string } | { readonly audit: string }
type Options = {
  readonly truth: string
  readonly trees: readonly (readonly [string, From])[]
  readonly kinds: readonly string[]
  readonly json: boolean
}

function optionsOf(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      truth: { type: 'string' },
      tree: { type: 'string', multiple: true, default: [] },
      audit: { type: 'string', multiple: true, default: [] },
      kind: { type: 'string', multiple: true, default: [] },
      format: { type: 'string', default: 'text' },
    },
  })
  if (values.truth === undefined) throw new Error('which sites are true?')
  const named = (text: string): [string, string] => {
    const at = text.indexOf('=')
    if (at <= 0) throw new Error(`${text}: give NAME=PATH, with the name that the sites say`)
    return [text.slice(0, at), text.slice(at + 1)]
  }
  const trees = [
    ...values.tree.map(named).map(([name, tree]) => [name, { tree }] as const),
    ...values.audit.map(named).map(([name, path]) => [name, { audit: path }] as const),
  ]
  if (trees.length === 0) throw new Error('which tree?')
  return { truth: values.truth, trees, kinds: values.kind, json: values.format === 'json' }
}

/** Of one tree, of these kinds. A kind that no protocol finds has no sites, and every one of them counts as not found. */
async function sitesOf(from: From, kinds: readonly string[]): Promise<readonly Audited[]> {
  const of = (all: readonly Audited[]): Audited[] => all.filter((s) => kinds.includes(s.kind))
  if ('audit' in from) return of((JSON.parse(readFileSync(from.audit, 'utf8')) as { sites: Audited[] }).sites)
  const opened = await openTree(from.tree)
  if (opened.value === undefined)
    throw new Error(opened.diagnostics.map((d) => d.message).join('; ') || `${from.tree} cannot be read`)
  const tree = opened.value
  const program = new Program(tree)
  try {
    const result = await audit(program, {
      treeKernel: tree.kernel?.text,
      protocols: kinds.filter((k) => protocols.includes(k)),
      version: 'bench',
      path: from.tree,
    })
    return of(result.sites)
  } finally {
    await program.close()
  }
}

const kindsOf = (pairs: readonly Pair[]): string[] => [...new Set(pairs.map((p) => p.truth.kind))].sort()
const treesOf = (pairs: readonly Pair[]): string[] => [...new Set(pairs.map((p) => p.truth.tree))]

function tables(pairs: readonly Pair[]): string[] {
  const rows = kindsOf(pairs).flatMap((kind) => {
    const of = pairs.filter((p) => p.truth.kind === kind)
    const trees = treesOf(of)
    return [
      ...trees.map((tree) => row(kind, tree, count(of.filter((p) => p.truth.tree === tree)))),
      ...(trees.length > 1 ? [row(kind, 'all', count(of))] : []),
    ]
  })
  const head = ['kind', 'tree', 'sites', 'found', 'judged', 'agree', 'unknown', 'precision', 'recall']
  const classes = classesOf(pairs).map((cls) => {
    const n = countClass(pairs, cls)
    return [
      cls,
      String(n.right),
      String(n.wrong),
      String(n.missed),
      share(n.right, n.right + n.wrong),
      share(n.right, n.right + n.missed),
    ]
  })
  return [
    ...table([head, ...rows, row('all', '', count(pairs))]),
    '',
    ...table([['class', 'right', 'wrong', 'missed', 'precision', 'recall'], ...classes]),
    '',
  ]
}

const row = (kind: string, tree: string, n: Counts): string[] => [
  kind,
  tree,
  String(n.sites),
  share(n.found, n.sites),
  String(n.judged),
  share(n.agree, n.judged),
  share(n.unknown, n.judged),
  share(n.right, n.right + n.wrong),
  share(n.right, n.right + n.missed),
]

const share = (n: number, of: number): string =>
  of === 0 ? '-' : `${n}/${of} ${((100 * n) / of).toFixed(0).padStart(3)} %`

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((r) => r[c]!.length)))
  return rows.map((r) =>
    r
      .map((cell, c) => (c < 1 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd(),
  )
}

function disagreements(pairs: readonly Pair[]): string[] {
  const out: string[] = []
  const at = ({ truth: t }: Pair): string =>
    `${t.tree} ${t.kind} ${t.file}:${t.line} ${t.function}(): ${t.api}`
  for (const p of pairs) if (p.got === undefined) out.push(`not found   ${at(p)}, ${p.truth.verdict}`)
  for (const p of pairs) {
    if (p.got === undefined || p.want === undefined || p.got === p.want) continue
    const word = p.got === 'unknown' ? 'undecided  ' : p.got === 'broken' ? 'false alarm' : 'missed     '
    const bugs = bugsOf(p.truth)
    out.push(`${word} ${at(p)}: ${[p.truth.verdict, ...bugs].join(' ')}, and the audit says ${said(p)}`)
  }
  for (const p of pairs) {
    const bugs = bugsOf(p.truth)
    if (p.want === 'broken' && p.got === 'broken' && !bugs.some((b) => p.classes.includes(b)))
      out.push(`other class ${at(p)}: ${bugs.join(' ')}, and the audit says ${p.classes.join(' ')}`)
  }
  return out
}

const said = (p: Pair): string =>
  [p.got, ...p.classes, ...(p.got === 'unknown' ? [`(${p.reasons.join('; ')})`] : [])].join(' ')

function summary(pairs: readonly Pair[]): unknown {
  return {
    kinds: Object.fromEntries(kindsOf(pairs).map((k) => [k, count(pairs.filter((p) => p.truth.kind === k))])),
    classes: Object.fromEntries(classesOf(pairs).map((c) => [c, countClass(pairs, c)])),
    all: count(pairs),
    pairs: pairs.map((p) => ({ ...p.truth, want: p.want, got: p.got, classes: p.classes })),
  }
}
