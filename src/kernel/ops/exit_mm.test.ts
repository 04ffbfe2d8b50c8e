import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, kernel, program } from '../testing.ts'

const withDevice = (device: readonly string[]) =>
  kernel({
    version: '6.12',
    mms: [{ name: 'A' }],
    vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
    vars: [{ name: 'buf', kind: 'page' }],
    threads: [
      program('P0', { mm: 0 }, [
        'r0 = pin_user_pages_fast(0, 1, 5, &page)',
        'WRITE_ONCE(0, page)',
        'exit_mm()',
      ]),
      program('P1', {}, device),
      program('P2', {}, ['alloc_page()']),
    ],
  })

test('a pin outlives the process', () => {
  const r = explore(
    withDevice(['page = READ_ONCE(0)', 'if page == 0 return', 'dma_write(page, 1)', 'unpin_user_page(page)']),
  )
  assert.deepEqual(r.broken, ['refcount-balance']) // only where the device came too early to see the buffer
})

test('a process waits for its threads, and its notifiers are told', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }],
    vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
    notifiers: [{ name: 'n', mm: 0, start: 0, pages: 1, invalidate: 0 }],
    callbacks: [program('invalidate', { notifier: 0 }, ['mmu_interval_set_seq(0)', 'secondary_unmap(0)'])],
    threads: [
      program('P0', { mm: 0 }, ['exit_mm()']),
      program('P1', { mm: 0 }, [
        'r0 = pin_user_pages_fast(0, 1, 1, &page)',
        'secondary_map(0, _, page)',
        'unpin_user_page(page)',
        'r1 = load(0)',
      ]),
      { ...program('P2', {}, ['r0 = secondary_write(0, _, 1)']), daemon: true },
    ],
  })
  const r = explore(k, (k) => `${k.secondary(0 as never, 0 as never).present} ${k.mm(0 as never).alive}`)
  assert.deepEqual([r.broken, r.deadlocks, r.outcomes], [[], 0, ['false false']])
})
