/**
 * npm run bench scan -- --tree DIR [--every N]
 *
 * The byte filter and the C reader on a kernel tree, in one run on one machine: ripgrep for the names of the PFN look-ups against opening the tree,
 * finding the files, reading them and listing every reference; later rounds for names found on the way; and, on every Nth .c file (69), our
 * reader with all function bodies against web-tree-sitter's bare parse, and the functions found against universal-ctags, when they are installed.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Language, Parser } from 'web-tree-sitter'
import { openTree, parseC, Program, Scanner } from '../src/source/index.ts'

const names = [
  'follow_pfn',
  'follow_pte',
  'follow_phys',
  'follow_pfnmap_start',
  'get_vaddr_frames',
  'fixup_user_fault',
  'hmm_range_fault',
]
const later = [
  ['acrn_vm_ram_map', 'vaddr_get_pfns'],
  ['hva_to_pfn', 'gfn_to_pfn'],
  ['vb2_create_framevec'],
  ['generic_access_phys'],
]

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const times = (x: number): string => `${x.toFixed(2)}×`

async function timed<R>(work: () => R | Promise<R>): Promise<{ ms: number; value: R }> {
  const start = performance.now()
  const value = await work()
  return { ms: performance.now() - start, value }
}
const best = async <R>(rounds: number, work: () => R | Promise<R>): Promise<{ ms: number; value: R }> => {
  let result = await timed(work)
  for (let k = 1; k < rounds; k++) {
    const again = await timed(work)
    if (again.ms < result.ms) result = again
  }
  return result
}

export default async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { tree: { type: 'string' }, every: { type: 'string', default: '69' } },
  })
  if (values.tree === undefined) {
    console.error('usage: npm run bench scan -- --tree DIR')
    return 2
  }
  const opened = await openTree(values.tree)
  if (opened.value?.root === undefined) {
    console.error(opened.diagnostics[0]?.message ?? 'give a directory')
    return 2
  }
  const { root, files } = opened.value
  console.log(`${values.tree}: ${files.length} files of ${opened.value.kernel?.text ?? 'no kernel'}`)

  const rg = (): string[] => {
    const r = spawnSync(
      'rg',
      [
        '-j2',
        '-lw',
        '-e',
        names.join('|'),
        '-g',
        '*.c',
        '-g',
        '*.h',
        '-g',
        '!/tools',
        '-g',
        '!/scripts',
        '-g',
        '!/usr',
        '-g',
        '!/Documentation',
        '.',
      ],
      { cwd: root, encoding: 'utf8' },
    )
    if (r.error) throw r.error
    return r.stdout
      .split('\n')
      .filter(Boolean)
      .map((f) => f.replace(/^\.\//, ''))
      .sort()
  }
  const find = async (): Promise<string[]> => {
    const tree = (await openTree(values.tree!)).value!
    const scanner = new Scanner(tree)
    await scanner.ready()
    return [...new Set(names.flatMap((name) => scanner.find(name).files))].sort()
  }
  const audit = async (): Promise<number> => {
    const program = new Program((await openTree(values.tree!)).value!)
    await program.ready()
    let references = 0
    for (const n of names) references += program.references(n).length
    await program.close()
    return references
  }
  const peer = await best(3, rg)
  const ours = await best(3, find)
  const whole = await best(3, audit)
  const same = peer.value.join() === ours.value.join()
  console.log(
    `files with a name      rg -j2 ${seconds(peer.ms)}   open and scan ${seconds(ours.ms)} (${times(ours.ms / peer.ms)}), ${same ? `the same ${ours.value.length} files` : 'NOT the same files'}`,
  )
  console.log(
    `and read, ${String(whole.value).padStart(3)} references            open, scan, read ${seconds(whole.ms)} (${times(whole.ms / peer.ms)})`,
  )

  const scanner = new Scanner(opened.value)
  const rounds: string[] = []
  await scanner.ready()
  for (const words of [names, ...later])
    rounds.push(`${(await timed(() => words.map((w) => scanner.find(w)))).ms.toFixed(2)} ms`)
  console.log(`rounds of new names    ${rounds.join(', ')}`)

  const sample = files.filter((f) => f.endsWith('.c')).filter((_, i) => i % Number(values.every) === 0)
  const texts = sample.map((f) => readFileSync(join(root, f), 'latin1'))
  const megabytes = texts.reduce((n, t) => n + t.length, 0) / 1e6
  const rate = (ms: number): string => `${(megabytes / (ms / 1000)).toFixed(1)} MB/s`
  const read = await best(3, () =>
    texts.map((t, i) => parseC(sample[i]!, t).functions.filter((f) => f.body.problems.length === 0).length),
  )
  const outline = await best(3, () => texts.forEach((t, i) => parseC(sample[i]!, t)))
  await Parser.init()
  const parser = new Parser()
  parser.setLanguage(
    await Language.load(createRequire(import.meta.url).resolve('tree-sitter-c/tree-sitter-c.wasm')),
  )
  const bare = await best(3, () => texts.forEach((t) => parser.parse(t)!.delete()))
  console.log(
    `${sample.length} files, ${megabytes.toFixed(1)} MB     outline ${rate(outline.ms)}   with all bodies ${rate(read.ms)}   web-tree-sitter, tree only ${rate(bare.ms)} (${times(bare.ms / read.ms)})`,
  )

  const parsed = sample.map((f, i) => parseC(f, texts[i]!))
  const tags = spawnSync(
    'ctags',
    ['--c-kinds=f', '-x', '--_xformat=%{input}\t%{name}\t%{line}', '--language-force=C', '-L', '-'],
    { cwd: root, input: sample.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  const understood = read.value.reduce((n, k) => n + k, 0)
  const functions = parsed.reduce((n, p) => n + p.functions.length, 0)
  console.log(
    `functions              ${functions} found, ${functions - understood} with a part not understood (${((100 * understood) / functions).toFixed(3)} % whole)`,
  )
  if (!tags.error) {
    const have = new Set(
      parsed.flatMap((p) => p.functions.flatMap((f) => [`${p.path}\t${f.name}`, `${p.path}\t${f.line}`])),
    )
    const wanted = tags.stdout
      .split('\n')
      .filter(Boolean)
      .map((l) => l.split('\t') as [string, string, string])
    const missing = wanted.filter(
      ([f, name, line]) => !have.has(`${f}\t${name}`) && !have.has(`${f}\t${line}`),
    )
    console.log(
      `universal-ctags        ${wanted.length} functions, ${missing.length} not among ours (${(100 - (100 * missing.length) / wanted.length).toFixed(3)} %)`,
    )
    for (const [f, name, line] of missing) console.log(`                       ${f}:${line} ${name}`)
  }
  return same ? 0 : 1
}
