import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, kernel, program } from '../testing.ts'

const family = (version: string, parent: readonly string[], child: readonly string[]) =>
  kernel({
    version,
    mms: [{ name: 'A' }, { name: 'C', unborn: true }],
    vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2 }],
    threads: [program('P0', { mm: 0 }, parent), program('P1', { mm: 1 }, child)],
  })
const reg = (k: ReturnType<typeof kernel>, thread: number, name: string) =>
  k.register(
    thread,
    k.config.threads[thread]!.registers.findIndex((r) => r.name === name),
  )

test('parent and child see what was written before fork, and not what the other writes after', () => {
  for (const version of ['5.9', '5.10', '6.1', '6.12', '7.2']) {
    const k = family(
      version,
      ['store(0, 1)', 'fork(1)', 'store(0, 2)', 'r0 = load(0)'],
      ['r0 = load(0)', 'store(0, 3)', 'r1 = load(0)'],
    )
    const r = explore(k, (k) => `${reg(k, 0, 'r0')} ${reg(k, 1, 'r0')} ${reg(k, 1, 'r1')}`)
    assert.deepEqual([version, r.broken, r.outcomes, r.deadlocks], [version, [], ['2 1 3'], 0])
  }
})

test('what was pinned before fork stays what the parent sees', () => {
  for (const version of ['5.9', '5.10', '6.1', '6.12', '7.2']) {
    const k = family(
      version,
      [
        'store(0, 1)',
        'r0 = pin_user_pages_fast(0, 1, 1, &page)',
        'fork(1)',
        'store(0, 2)',
        'dma_write(page, 5)',
        'r1 = load(0)',
        'unpin_user_page(page)',
      ],
      ['r0 = load(0)'],
    )
    const r = explore(k, (k) => `${reg(k, 0, 'r1')} ${reg(k, 1, 'r0')}`)
    assert.deepEqual([version, r.broken, r.outcomes], [version, [], ['5 1']])
  }
})

test("a reference by FOLL_GET does not: the parent writes to a copy, and the device to the old page, which is the child's", () => {
  const k = family(
    '5.10',
    [
      'store(0, 1)',
      'r0 = get_user_pages_fast(0, 1, 1, &page)',
      'fork(1)',
      'store(0, 2)',
      'dma_write(page, 5)',
      'r1 = load(0)',
      'put_page(page)',
    ],
    [],
  )
  const r = explore(k, (k) => String(reg(k, 0, 'r1')))
  assert.deepEqual(r.broken, ['fork-isolation'])
})

test('a read-only pin after fork: the page may be copied away from under it in 5.10, and is unshared first since 5.19', () => {
  const parent = [
    'store(0, 1)',
    'fork(1)',
    'r0 = pin_user_pages_fast(0, 1, 0, &page)',
    'store(0, 2)',
    'r1 = dma_read(page)',
    'unpin_user_page(page)',
  ]
  const seen = (version: string) => explore(family(version, parent, []), (k) => String(reg(k, 0, 'r1')))
  assert.deepEqual(seen('5.10').broken, ['pinned-diverges'])
  assert.deepEqual(seen('6.1').outcomes, ['2'])
})

test('VM_DONTCOPY mappings are not in the child; raw PFNs are, and hold nothing there either', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }, { name: 'C', unborn: true }],
    bos: [
      { name: 'B', pages: 1, where: 'vram', data: [4] },
      { name: 'D', pages: 1, where: 'vram', data: [5], flags: ['VM_IO', 'VM_PFNMAP', 'VM_DONTCOPY'] },
    ],
    vmas: [
      { mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true },
      { mm: 0, pages: 1, bo: 1, prot: 3, flags: 1, populated: true },
    ],
    threads: [
      program('P0', { mm: 0 }, ['fork(1)']),
      program('P1', { mm: 1 }, ['r0 = load(0)', 'r1 = load(1)']),
    ],
  })
  const r = explore(k, (k) => `${reg(k, 1, 'r0')} ${reg(k, 1, 'r1')}`)
  assert.deepEqual([r.broken, r.outcomes], [[], ['4 111']])
})

test('a move unmaps the buffer in the child, too', () => {
  const config = (op: string) =>
    kernel({
      version: '6.12',
      mms: [{ name: 'A' }, { name: 'C', unborn: true }],
      bos: [{ name: 'B', pages: 1, where: 'vram', data: [4] }],
      vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
      threads: [
        program('P0', { mm: 0 }, ['fork(1)']),
        program('P1', { mm: 1 }, ['r0 = load(0)', 'r1 = load(0)']),
        program('P2', {}, [`${op}(0, 0)`]),
      ],
    })
  assert.deepEqual(explore(config('bo_move')).broken, [])
  assert.deepEqual(explore(config('bo_move_nounmap')).broken, ['freed-while-mapped'])
})

test('a write pin after fork gets a copy of its own, which the child does not see written', () => {
  for (const version of ['5.10', '6.1', '6.12']) {
    const k = family(
      version,
      [
        'store(0, 1)',
        'fork(1)',
        'r0 = pin_user_pages_fast(0, 1, 1, &page)',
        'dma_write(page, 5)',
        'r1 = load(0)',
        'unpin_user_page(page)',
      ],
      ['r0 = load(0)'],
    )
    const r = explore(k, (k) => `${reg(k, 0, 'r1')} ${reg(k, 1, 'r0')}`)
    assert.deepEqual([version, r.broken, r.outcomes], [version, [], ['5 1']])
  }
})
