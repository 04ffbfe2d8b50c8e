import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type MapRow, type MapSurvey, mapSurvey } from '../src/audit/index.ts'
import { mapSurveyCsv, renderMapSurvey } from '../src/report/map-survey.ts'
import { openTree, Program } from '../src/source/index.ts'

let survey: MapSurvey
before(async () => {
  const { value: tree } = await openTree('examples')
  const program = new Program(tree!)
  survey = await mapSurvey(program, { treeKernel: undefined, version: 'test', path: 'examples' }, true)
  await program.close()
})
const rowOf = (file: string): MapRow =>
  survey.rows.find((r) => r.file === file && r.function.endsWith('_mmap'))!

test('the flags of a handler are its own and those of its helpers, and what it takes away', () => {
  assert.deepEqual(rowOf('registers_by_helper.c').flags, [
    'VM_DONTDUMP',
    'VM_DONTEXPAND',
    'VM_IO',
    'VM_PFNMAP',
  ])
  assert.ok(rowOf('log_refuses_maywrite.c').flags.includes('-VM_MAYWRITE'))
  assert.deepEqual(rowOf('ring_can_grow.c').flags, [])
})

test('who checks the length is said: the handler, a helper, a dispatcher, nobody', () => {
  assert.equal(rowOf('registers_any_size.c').checked, 'no')
  assert.equal(rowOf('registers_one_page.c').checked, 'handler')
  assert.equal(rowOf('registers_by_helper.c').checked, 'helper')
  assert.equal(rowOf('frames_dispatched.c').checked, 'dispatcher')
})

test('an odd combination is told with the reason, its neighbour is not odd', () => {
  assert.deepEqual(rowOf('frames_private.c').odd, [
    'private mappings are accepted: vmf_insert_pfn() is a BUG there',
  ])
  assert.deepEqual(rowOf('frames_shared.c').odd, [])
  assert.equal(rowOf('ring_can_grow.c').odd.length, 1)
  assert.deepEqual(rowOf('ring_cannot_grow.c').odd, [])
})

test('a row says whether open and close count, and what the life of the memory hangs on', () => {
  assert.equal(rowOf('buffer_close_only.c').counts, 'close only')
  assert.equal(rowOf('buffer_open_and_close.c').counts, 'open and close')
  assert.equal(rowOf('area_freed_mapped.c').lives, 'freed for a user')
  assert.equal(rowOf('area_zapped_first.c').lives, 'zapped before it is freed')
  assert.equal(rowOf('area_freed_with_file.c').lives, 'with file, object or count')
  assert.equal(rowOf('shared_page_unbound.c').lives, 'freed with the driver')
  assert.equal(rowOf('stats_vmalloc_user.c').lives, 'by references to its pages')
})

test('which dma-bufs are not VM_PFNMAP is answered, with those that are', () => {
  const { no, unknown, objects, yes } = survey.notPfnmap!
  const names = (rows: readonly MapRow[]): string[] => rows.map((r) => r.function)
  assert.deepEqual([names(no), names(unknown), names(objects), yes], [['shelf_mmap'], ['slate_mmap'], [], 3])
})

test('the text names every handler, and the CSV has a line for each row', () => {
  const text = renderMapSurvey(survey)
  for (const r of survey.rows) assert.ok(text.includes(`${r.file}:${r.line} ${r.function}()`))
  assert.equal(mapSurveyCsv(survey).split('\n').length, survey.rows.length + 1)
})
