import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure, type KernelConfig } from '../config.ts'
import { Kernel } from '../kernel.ts'
import { ops } from '../ops/index.ts'
import type { Program } from '../program.ts'
import { program } from '../testing.ts'

/** Goes on behind what is broken, as a checker does: whatever a test does wrong, there are findings and no exception. */
function findings(config: KernelConfig): string[] {
  const { value, diagnostics } = configure(config, ops)
  assert.ok(value !== undefined, diagnostics.map((d) => d.message).join('; '))
  const k = new Kernel(value, (layout, state) => layout.open(state, { checked: true }))
  const found = new Set<string>()
  const seen = new Set<string>()
  k.init()
  const stack = [k.state.slice()]
  while (stack.length > 0) {
    const from = stack.pop()!
    for (let actor = 0; actor < k.actors.length; actor++) {
      k.state.set(from)
      const violate = (v: { code: string }): void => void found.add(v.code)
      if (k.step(actor, () => 0, violate) !== 'moved') continue
      k.check(violate)
      const key = Buffer.from(k.state).toString('latin1')
      if (!seen.has(key)) stack.push(k.state.slice())
      seen.add(key)
    }
  }
  return [...found].sort()
}

const memory = (threads: readonly Program[], more: Partial<KernelConfig> = {}): KernelConfig => ({
  version: '6.12',
  mms: [{ name: 'A' }],
  vmas: [{ mm: 0, pages: 1, prot: 3, flags: 2, populated: true }],
  threads,
  ...more,
})

test('a VMA that is unmapped under a call without the lock is found, and nothing crashes', () => {
  const pin = program('P0', { mm: 0 }, [
    'r0 = pin_user_pages(0, 1, 1, &page)',
    'if r0 < 1 return',
    'unpin_user_page(page)',
  ])
  const other = program('P1', { mm: 0 }, ['munmap(0, 1)'])
  const vmas = [{ mm: 0, pages: 1, prot: 3, flags: 2 }]
  assert.deepEqual(findings(memory([pin, other], { vmas })), ['lock-context', 'use-after-unlock'])
})

test('a fault that has dropped the lock does not ask for its VMA any more', () => {
  const user = program('P0', { mm: 0 }, ['r0 = load(0)'])
  const other = program('P1', { mm: 0 }, ['munmap(0, 1)'])
  const owner = program('P2', {}, ['bo_move(0, 0)'])
  const gpu = {
    bos: [{ name: 'B', pages: 1, where: 'vram' as const }],
    vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1 }],
  }
  assert.deepEqual(findings(memory([user, other, owner], gpu)), [])
})

test('a page that is put once too often is gone for everybody, and everybody is told', () => {
  const twice = program('P0', { mm: 0 }, [
    'r0 = get_user_pages_fast(0, 1, 1, &page)',
    'put_page(page)',
    'put_page(page)',
    'r1 = load(0)',
    'munmap(0, 1)',
  ])
  assert.deepEqual(findings(memory([twice])), ['refcount-balance', 'use-after-free'])
})

test('a callback that wants a process finds none in the thread of a device', () => {
  const config: KernelConfig = {
    ...memory([program('P0', {}, ['bo_move(0, 0)'])]),
    bos: [{ name: 'B', pages: 1, where: 'vram' }],
    vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
    notifiers: [{ name: 'n', mm: 0, start: 0, pages: 1, invalidate: 0 }],
    callbacks: [program('invalidate', { notifier: 0 }, ['mmap_read_lock()', 'mmap_read_unlock()'])],
  }
  assert.deepEqual(findings(config), ['lock-context'])
})

test('what a test is told before it runs: unknown operations, versions, contexts, callbacks that recurse', () => {
  const messages = (config: KernelConfig) => configure(config, ops).diagnostics.map((d) => d.message)
  const pfn = memory([
    program('P0', { mm: 0 }, ['mmap_read_lock()', 'r0 = follow_pfn(_, 0, &pfn)', 'mmap_read_unlock()']),
  ])
  assert.deepEqual(messages(pfn), ['follow_pfn is in kernels before 6.10; this is 6.12'])
  assert.deepEqual(messages({ ...pfn, version: '6.1' }), [])
  assert.deepEqual(messages({ ...pfn, version: '4.19' })[0], 'kernel 4.19 is not one that is modelled')
  assert.deepEqual(messages({ ...pfn, version: '6.1', policies: { follow_pfn: 'sometimes', fast: 'yes' } }), [
    'follow_pfn cannot be sometimes',
    'there is no policy fast',
  ])
  assert.deepEqual(messages(memory([program('P0', {}, ['mmap_read_lock()'])])), [
    'mmap_read_lock needs a process: P0 has no mm',
  ])
  assert.deepEqual(messages(memory([program('P0', {}, ['mmap_read_lock(0)', 'mmap_read_unlock(0)'])])), [])
  assert.deepEqual(
    messages(
      memory([], {
        callbacks: [program('invalidate', {}, ['unmap_mapping_range(0)'])],
        bos: [{ name: 'B', pages: 1, where: 'vram' }],
      }),
    ),
    ['invalidate calls unmap_mapping_range, which may run notifier callbacks itself'],
  )
})

test('a step that is blocked after all has broken nothing', () => {
  const locks = [
    { name: 'm', kind: 'mutex' as const },
    { name: 's', kind: 'spinlock' as const },
  ]
  const threads = [
    program('P0', {}, ['mutex_lock(0)', 'mutex_unlock(0)']),
    program('P1', {}, ['spin_lock(1)', 'mutex_lock(0)', 'mutex_unlock(0)', 'spin_unlock(1)']),
  ]
  const k = new Kernel(configure({ version: '6.12', locks, threads }, ops).value!)
  const found: string[] = []
  const step = (actor: number): string => {
    const before = k.state.slice()
    const went = k.step(
      actor,
      () => 0,
      (v) => found.push(v.code),
    )
    if (went === 'blocked') k.state.set(before)
    return went
  }
  k.init()
  assert.deepEqual([step(0), step(1), step(1), found.length], ['moved', 'moved', 'blocked', 0])
  assert.deepEqual([step(0), step(1), found], ['moved', 'moved', ['lock-context']])
})
