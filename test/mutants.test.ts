import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LitmusTest, printStmt, runLitmus, type Stmt } from '../src/litmus/index.ts'
import { corpus } from './corpus-counts.ts'

/*
 * Every line that guards something is needed: where a test of the corpus holds, leave out one lock, unlock, check of a sequence, unmap or
 * release, and something must break. A model in which a guard can go unnoticed does not model what it guards against.
 */

const guards = /lock|retry|set_seq|secondary_unmap|unpin|put_|follow_pfnmap_end|if \(pfn != again\)/

/** Guards that a test has although nothing in it needs them, and why. */
const needless: Readonly<Record<string, string>> = {
  'notifier/notifier+exit if (mmu_interval_read_retry(n, seq))': 'nobody invalidates before the process dies',
  'notifier/notifier+exit mutex_unlock(pt)': 'that of the retry, which never comes',
  'notifier/notifier+exit mmu_interval_set_seq(n)': 'nobody looks at the sequence any more',
  'notifier/insert_locked+munmap mmu_interval_set_seq(n)': 'nobody looks at the sequence any more',
  'notifier/munmap+zap mmu_interval_set_seq(n)': 'nobody looks at the sequence',
  'notifier/hmm+pfnmap mmu_interval_set_seq(n)': 'nobody invalidates',
  'pfn-lookup/get_vaddr_frames+bo_move put_vaddr_frames(vec)': 'there the call fails',
  'notifier/put+free_notifier secondary_unmap(n, p)': 'nothing is installed there',
  'notifier/registered+mmap_write_lock secondary_unmap(n, p)': 'nothing is installed there',
  'notifier/registered+unregistered secondary_unmap(n, p)': 'nothing is installed there',
  'file/pageout+refused mlock(p, 1)': 'it is there for the errno',
  'pfn-lookup/follow_pfnmap+anonymous follow_pfnmap_end()': 'there the call fails',
  'vma/merge+munlock mlock(1, 1)': 'what it does is in the condition, and breaks nothing',
  'vma/merge+munlock munlock(1, 1)': 'what it does is in the condition, and breaks nothing',
  'pin/several+frame-vector put_vaddr_frames(vec, 2)': 'a bare PFN holds nothing',
  'pin/several+longterm+short unpin_user_pages(pages, r0)': 'there the call fails',
  'pin/pin+mixedmap-special unpin_user_page(page)': 'there the call fails',
  'dma-buf/dynamic+no-callback dma_resv_lock(D)': 'there the importer is refused',
  'dma-buf/dynamic+no-callback dma_resv_unlock(D)': 'there the importer is refused',
  'dma-buf/pin+bo_move dma_buf_unpin(a)': "what is left of an exporter's pin count is not looked at (WARTS)",
  'fd/reserve+copy_to_user-fails+put put_unused_fd(fd)': 'a reserved number is no memory',
  'proposals/dynamic-flag+carveout put_vaddr_frames(vec)': 'there the call fails',
  'proposals/longterm-fail+vb2 put_vaddr_frames(vec)': 'there the call fails',
  'selftests/cow/ro-pin+zeropage unpin_user_page(page)': 'nobody counts the pins of the page of zeroes',
  'selftests/cow/ro-pin_fast+zeropage unpin_user_page(page)': 'nobody counts the pins of the page of zeroes',
  'v4l2/userptr+dma-buf-mapping put_vaddr_frames(vec)': 'there the call fails',
  'v4l2/userptr+gpu-buffer put_vaddr_frames(vec)': 'there the call fails',
  'v4l2/userptr-sg+gpu-buffer put_vaddr_frames(vec)': 'there the call fails',
  'v4l2/userptr-sg+gpu-buffer+system put_vaddr_frames(vec)': 'there the call fails',
  'v4l2/userptr-vmalloc+gpu-buffer put_vaddr_frames(vec)': 'there the call fails',
}

/** The kernel's tests of a device that mirrors memory have nobody who invalidates while it does; those of `notifier/` do. */
const undisturbed = /^selftests\/hmm\//

/** The test without one statement, each in turn, with what is left out. */
function* without(t: LitmusTest): Generator<{ left: string; mutant: LitmusTest }> {
  for (const [i, proc] of t.procs.entries())
    for (const { left, body } of shorter(proc.body))
      yield {
        left,
        mutant: { ...t, procs: t.procs.map((p, j) => (j === i ? { ...p, body } : p)) },
      }
}

function* shorter(body: readonly Stmt[]): Generator<{ left: string; body: Stmt[] }> {
  for (const [i, s] of body.entries()) {
    const put = (...instead: Stmt[]): Stmt[] => [...body.slice(0, i), ...instead, ...body.slice(i + 1)]
    if (s.kind !== 'label') yield { left: printStmt(s), body: put() }
    if (s.kind === 'if')
      for (const inner of shorter(s.then)) yield { left: inner.left, body: put({ ...s, then: inner.body }) }
    if (s.kind === 'while')
      for (const inner of shorter(s.body)) yield { left: inner.left, body: put({ ...s, body: inner.body }) }
  }
}

test('no guard of a test that holds can be left out unnoticed', () => {
  const unused = new Set(Object.keys(needless))
  let tried = 0
  for (const { file, test: t } of corpus()) {
    const holds = t.expect.find((e) => e.broken.length === 0 && Object.keys(e.policies).length === 0)
    const last = holds?.kernels.at(-1)
    if (last === undefined || undisturbed.test(file)) continue
    const kernel = last === '*' ? '6.1' : last
    for (const { left, mutant } of without(t)) {
      if (!guards.test(left) || left.startsWith('goto')) continue
      tried++
      const { value } = runLitmus(mutant, { kernel, maxStates: 20_000 })
      const noticed = value === undefined || value.broken.length > 0
      const key = `${file.replace('.litmus', '')} ${left}`
      if (!noticed && needless[key] !== undefined) unused.delete(key)
      else assert.ok(noticed, `${key} can be left out on ${kernel}, and nothing breaks`)
    }
  }
  assert.ok(tried > 80, `${tried}`)
  assert.deepEqual([...unused], [], 'needed after all')
})
