// Asks real kernels about the cells of `tenure flags`: writes each cell as operations, replays them by `tenure conform`, and puts down
// which came out as the model says. node tools/flags-confirm.mjs [--cache DIR]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { cellName, flagsOf, questions, shapesOf, tableOf } from '../dist/src/flags/index.js'

const insert = { remap_pfn_range: 'remap', vmf_insert_mixed: 'mixed', finish_fault: 'return' }
const ops = (kernel) => ({
  load: ['P0 load page=0'],
  store: ['P0 store page=0 value=1'],
  fork: ['P0 fork child=1', 'P1 load page=0'],
  GUP: ['P0 pin handle=0 page=0 pages=1 foll=1', 'kernel unpin handle=0 dirty=0'],
  fast: ['P0 pin_fast handle=0 page=0 pages=1 foll=1', 'kernel unpin handle=0 dirty=0'],
  longterm: ['P0 pin_fast handle=0 page=0 pages=1 foll=5', 'kernel unpin handle=0 dirty=0'],
  'look-up': [`P0 ${kernel === '5.10' || kernel === '6.1' ? 'follow_pfn' : 'follow_pfnmap'} page=0`],
  mremap: ['P0 mremap page=0 pages=1 newpages=2 flags=1 newpage=0'],
  DONTNEED: ['P0 madvise page=0 pages=1 advice=4'],
  mprotect: ['P0 mprotect page=0 pages=1 prot=3'],
  mlock: ['P0 mlock page=0 pages=1'],
  ptrace: ['P0 peek whose=0 page=0'],
  vm_read: ['P0 vm_read whose=0 page=0'],
  merge: ['P0 mmap page=1 pages=1 prot=3 flags=SHARE obj=0+1'],
  dump: ['P0 core'],
})
const rest = process.argv.slice(2)
const confirmed = {}
for (const kernel of ['5.10', '6.1', '6.12', '7.2']) {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-flags-'))
  const answers = new Map(
    tableOf({ kernel, policies: {}, also: [], insert: undefined }).map((c) => [
      cellName(c.shape, c.question),
      c.answer,
    ]),
  )
  const files = []
  for (const shape of shapesOf({ also: [], insert: undefined }))
    for (const q of questions) {
      const cell = cellName(shape, q.name)
      const answer = answers.get(cell)
      if (answer === 'BUG' || answer === '?') continue // it would stop the machine
      // Only what was pinned is unpinned: a cell is confirmed when each of its operations was run.
      const asked = ops(kernel)[q.name].filter((op) => answer === 'yes' || !op.includes('unpin'))
      const file = join(dir, `${cell.replaceAll('/', '+')}.ops`)
      writeFileSync(
        file,
        [
          `object 0 flags=${flagsOf(shape).join('|') || '0'} insert=${insert[shape.insert]} backing=system pages=2`,
          `P0 mmap page=0 pages=1 prot=${q.readOnly ? 1 : 3} flags=${shape.share === 'shared' ? 1 : 2} obj=0+0`,
          ...(q.touched ? ['P0 load page=0'] : []),
          ...asked.map((op) => op.replace('SHARE', shape.share === 'shared' ? 1 : 2)),
          '',
        ].join('\n'),
      )
      files.push(file)
    }
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/main.js', 'conform', '--kernel', kernel, ...rest, '--replay', ...files],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  confirmed[kernel] = files
    .filter((f) => stdout.includes(`${f}: no difference\n`))
    .map((f) => basename(f, '.ops').replaceAll('+', '/'))
    .sort((a, b) => (a < b ? -1 : 1))
  console.log(`${kernel}: ${confirmed[kernel].length} of ${files.length} confirmed`)
  for (const f of files) if (!stdout.includes(`${f}: no difference\n`)) console.log(`  not ${basename(f)}`)
  if (stderr !== '') console.log(stderr.slice(0, 2000))
  rmSync(dir, { recursive: true })
}
// Cells that the same kernels confirm stand together.
const groups = new Map()
for (const cell of new Set(Object.values(confirmed).flat())) {
  const kernels = Object.keys(confirmed).filter((k) => confirmed[k].includes(cell))
  groups.set(
    kernels.join(),
    [...(groups.get(kernels.join()) ?? []), cell].sort((x, y) => (x < y ? -1 : 1)),
  )
}
const file = 'src/flags/confirmed.ts'
const text = readFileSync(file, 'utf8')
writeFileSync(
  file,
  text.replace(
    /(const confirmed[^=]*= )\[[\s\S]*?^\]$/m,
    (_, head) =>
      `${head}${JSON.stringify([...groups].map(([kernels, cells]) => ({ kernels: kernels.split(','), cells })))}`,
  ),
)
