/**
 * npm run bench coccinelle -- --tree DIR [--peer-bench DIR] [--log FILE] [--part list,audit,media,functions]
 *
 * Against Coccinelle and universal-ctags, in one run on one machine. `list`: the bare list of the calls in calls.cocci, by spatch -j1 and
 * by us, who must find each that it finds. `audit`: everything, lifted and checked, against spatch -j2 of that list. `media`: what the
 * path rule nounpin.cocci reports in drivers/media, none of which may be broken by the audit. `functions`: of the functions that ctags
 * sees in the .c files, how many are understood to the end. Exit code 0: all promises kept, 1: not all, 2: a tool is missing.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { filesHolding, notKernel, openTree, parseC, Program, referencesIn } from '../src/source/index.ts'

const promised = { list: 0.25, audit: 2, functions: 99.8 }

const self = fileURLToPath(import.meta.url)

export default async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      tree: { type: 'string' },
      'peer-bench': { type: 'string' },
      log: { type: 'string' },
      part: { type: 'string', default: 'list,audit,media,functions' },
    },
  })
  if (values.tree === undefined) {
    console.error(
      'usage: npm run bench coccinelle -- --tree DIR [--peer-bench DIR] [--log FILE] [--part PARTS]',
    )
    return 2
  }
  const tree = resolve(values.tree)
  const rules = resolve(values['peer-bench'] ?? process.env['TENURE_PEER_BENCH'] ?? '../shared/peer-bench')
  const parts = values.part.split(',')
  const missing = ['spatch', 'ctags'].filter((tool) => spawnSync(tool, ['--version']).error)
  if (missing.length > 0) {
    console.error(`not installed: ${missing.join(', ')} (apt-get install coccinelle universal-ctags)`)
    return 2
  }
  const log = (what: string, text: string): void => {
    if (values.log !== undefined) appendFileSync(values.log, `== ${what}\n${text}\n`)
  }
  const spatch = (rule: string, threads: number, dir: string): Timed => {
    const one = run('spatch', [
      '--very-quiet',
      '-j',
      String(threads),
      '--sp-file',
      join(rules, rule),
      '--dir',
      dir,
    ])
    log(`spatch -j${threads} ${rule} ${dir}: ${one.seconds.toFixed(1)} s`, one.out)
    return one
  }
  const say = (name: string, text: string, kept: boolean): boolean => {
    console.log(`${name.padEnd(11)}${text}${kept ? '' : '   MISSED'}`)
    return kept
  }
  let kept = true
  if (parts.includes('list')) {
    const theirs = spatch('calls.cocci', 1, tree)
    const ours = run(process.execPath, [self, tree, namesIn(join(rules, 'calls.cocci')).join()])
    log(`our list: ${ours.seconds.toFixed(1)} s`, ours.out)
    const calls = callsIn(theirs.out, tree)
    const found = new Set(callsIn(ours.out, tree))
    const lost = calls.filter((c) => !found.has(c))
    for (const c of lost) console.log(`           not found: ${c}`)
    const quotient = ours.seconds / theirs.seconds
    kept =
      say(
        'list',
        `spatch -j1 ${theirs.seconds.toFixed(1)} s, ${calls.length} calls; ours ${ours.seconds.toFixed(1)} s, ${found.size} calls: ${quotient.toFixed(2)}× (at most ${promised.list}×)`,
        lost.length === 0 && quotient <= promised.list,
      ) && kept
  }
  if (parts.includes('audit')) {
    const theirs = spatch('calls.cocci', 2, tree)
    const ours = run(process.execPath, [...auditOf(tree), '--quiet'])
    log(`our audit: ${ours.seconds.toFixed(1)} s`, ours.out)
    const quotient = ours.seconds / theirs.seconds
    kept =
      say(
        'audit',
        `spatch -j2 ${theirs.seconds.toFixed(1)} s; ours ${ours.seconds.toFixed(1)} s: ${quotient.toFixed(2)}× (at most ${promised.audit}×)`,
        quotient <= promised.audit,
      ) && kept
  }
  if (parts.includes('media')) {
    const media = join(tree, 'drivers/media')
    const theirs = spatch('nounpin.cocci', 1, media)
    const reported = new Set(
      [...theirs.out.matchAll(/^(.*):(\d+): pinned/gm)].map((m) => `${m[1]!.slice(tree.length + 1)}:${m[2]}`),
    )
    const ours = JSON.parse(run(process.execPath, [...auditOf(tree), '--format', 'json']).out) as {
      sites: { file: string; line: number; kind: string; verdict: string; classes: string[] }[]
    }
    const sites = ours.sites.filter((s) => s.kind === 'page-pin' && reported.has(`${s.file}:${s.line}`))
    const same = sites.filter((s) => s.classes.includes('error-path-leak'))
    for (const s of same) console.log(`           ${s.file}:${s.line} is said to leak`)
    kept =
      say(
        'media',
        `nounpin.cocci says that ${reported.size} pins leak; of these, the audit says it of ${same.length}, and that ${sites.filter((s) => s.verdict === 'holds').length} hold`,
        same.length === 0,
      ) && kept
  }
  if (parts.includes('functions')) {
    const { seen, understood } = await functions(tree)
    const share = (100 * understood) / seen
    kept =
      say(
        'functions',
        `ctags sees ${seen}; understood to the end ${understood}: ${share.toFixed(3)} % (at least ${promised.functions} %)`,
        share >= promised.functions,
      ) && kept
  }
  return kept ? 0 : 1
}

const auditOf = (tree: string): string[] => [
  join(import.meta.dirname, '../src/cli/main.js'),
  'audit',
  '--no-cache',
  tree,
]

type Timed = { readonly seconds: number; readonly out: string }

function run(command: string, args: readonly string[]): Timed {
  const start = performance.now()
  const { stdout, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 29,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (error) throw error
  return { seconds: (performance.now() - start) / 1000, out: stdout }
}

/** The functions that a rule names: `f@p(...)`. */
const namesIn = (rule: string): string[] =>
  [...readFileSync(rule, 'utf8').matchAll(/^ (\w+)@f@p/gm)].map((m) => m[1]!)

/** `file:line: name`, of files that an audit reads, once each. */
const callsIn = (out: string, tree: string): string[] => [
  ...new Set(
    out
      .split('\n')
      .filter((l) => /:\d+: \w+$/.test(l))
      .map((l) => (l.startsWith(`${tree}/`) ? l.slice(tree.length + 1) : l))
      .filter((l) => !notKernel.has(l.slice(0, l.indexOf('/')))),
  ),
]

async function functions(path: string): Promise<{ seen: number; understood: number }> {
  const tree = (await openTree(path)).value!
  const files = tree.files.filter((f) => f.endsWith('.c'))
  const tags = spawnSync(
    'ctags',
    ['--c-kinds=f', '-x', '--_xformat=%{input}\t%{name}\t%{line}', '--language-force=C', '-L', '-'],
    { cwd: tree.root, input: files.join('\n'), encoding: 'utf8', maxBuffer: 1 << 29 },
  )
  if (tags.error) throw tags.error
  const wanted = new Map<string, [name: string, line: string][]>()
  for (const l of tags.stdout.split('\n').filter(Boolean)) {
    const [file, name, line] = l.split('\t') as [string, string, string]
    const known = wanted.get(file)
    if (known === undefined) wanted.set(file, [[name, line]])
    else known.push([name, line])
  }
  let seen = 0
  let understood = 0
  for (const [file, tagged] of wanted) {
    const text = tree.text(file)
    if (text === undefined) continue
    const whole = parseC(file, text).functions.filter((f) => f.body.problems.length === 0)
    const have = new Set(whole.flatMap((f) => [f.name, String(f.line)]))
    seen += tagged.length
    understood += tagged.filter(([name, line]) => have.has(name) || have.has(line)).length
  }
  return { seen, understood }
}

/** As a process of its own: the bare list of the calls of some names. */
if (process.argv[1] === self) {
  const [path, names] = process.argv.slice(2) as [string, string]
  const tree = (await openTree(path)).value!
  const program = new Program(tree)
  const lines = new Set<string>()
  for (const [name, files] of await filesHolding(tree, names.split(',')))
    for (const r of program.read(files).flatMap((file) => referencesIn(file, name))) {
      if (r.kind !== 'call') continue
      const { line } = r.func.file.source.position(r.call.start)
      lines.add(`${r.func.file.path}:${line}: ${name}`)
    }
  console.log([...lines].join('\n'))
}
