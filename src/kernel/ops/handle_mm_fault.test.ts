import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig } from '../config.ts'
import { MAP_PRIVATE, MAP_SHARED, SIGBUS } from '../constants.ts'
import { explore, kernel, program, registers } from '../testing.ts'

const versions = ['5.9', '5.10', '6.1', '6.12', '7.2']
const RW = 3

const file = (version: string, flags: number, more: Partial<KernelConfig> = {}) => ({
  version,
  bos: [{ name: 'F', pages: 2, where: 'system' as const, fs: 'shmem' as const, data: [5] }],
  vmas: [{ mm: 0, pages: 3, bo: 0, prot: RW, flags }],
  ...more,
})

test("a file's pages are found in the page cache, made where there are none, and not beyond its end", () => {
  for (const version of versions) {
    const r = registers(file(version, MAP_SHARED), ['r0 = load(0)', 'r1 = load(1)', 'r2 = load(2)'])
    assert.deepEqual([r['r0'], r['r1'], r['r2'], r.broken], [5, 0, SIGBUS, []])
  }
})

test('what is written through a shared mapping is in the file; through a private one it is not', () => {
  for (const version of versions) {
    const both = file(version, MAP_SHARED, {
      vmas: [
        { mm: 0, pages: 1, bo: 0, prot: RW, flags: MAP_SHARED },
        { mm: 0, pages: 1, bo: 0, prot: RW, flags: MAP_PRIVATE },
      ],
    })
    const r = registers(both, ['store(0, 7)', 'r0 = load(1)', 'store(1, 9)', 'r1 = load(0)', 'r2 = load(1)'])
    assert.deepEqual([version, r['r0'], r['r1'], r['r2'], r.broken], [version, 7, 7, 9, []])
  }
})

test('shared anonymous memory is shared with a child, and is gone with its last mapping', () => {
  for (const version of versions) {
    const k = kernel({
      version,
      mms: [{ name: 'A' }, { name: 'C', unborn: true }],
      vmas: [{ mm: 0, pages: 1, prot: RW, flags: MAP_SHARED }],
      threads: [
        program('P0', { mm: 0 }, ['store(0, 1)', 'fork(1)', 'store(0, 2)', 'munmap(0, 1)']),
        program('P1', { mm: 1 }, ['r0 = load(0)', 'store(0, 3)', 'munmap(0, 1)']),
      ],
    })
    const r = explore(
      k,
      () => `${k.register(1, 0)} ${k.pfns.filter((p) => k.page(p).owner !== undefined).length}`,
    )
    assert.deepEqual([version, r.broken, r.outcomes], [version, [], ['1 0', '2 0']])
  }
})

test('what is cached of a file is mapped all at once by a read, and not by a write', () => {
  const cached = (line: string) => {
    const k = kernel({
      ...file('6.12', MAP_SHARED),
      bos: [{ name: 'F', pages: 2, where: 'system', fs: 'shmem', data: [5, 6] }],
      mms: [{ name: 'A' }],
      threads: [program('P0', { mm: 0 }, [line])],
    })
    explore(k)
    return k.pfns.map((p) => k.page(p).mapcount).reduce((a, b) => a + b, 0)
  }
  assert.equal(cached('r0 = load(0)'), 2)
  assert.equal(cached('store(0, 1)'), 1)
})

test('a page of a file that fork has shared is copied for whoever writes, and the page cache keeps its own', () => {
  for (const version of versions) {
    const k = kernel({
      ...file(version, MAP_PRIVATE),
      mms: [{ name: 'A' }, { name: 'C', unborn: true }],
      threads: [
        program('P0', { mm: 0 }, ['store(0, 1)', 'fork(1)', 'store(0, 2)', 'r0 = load(0)']),
        program('P1', { mm: 1 }, ['store(0, 3)', 'r0 = load(0)']),
      ],
    })
    const r = explore(k, () => `${k.register(0, 0)} ${k.register(1, 0)} ${k.page(k.pfns[0]!).data}`)
    assert.deepEqual([version, r.broken, r.outcomes], [version, [], ['2 3 5']])
  }
})

test('a page that is alone is used as it is; with a reference on it, it is copied before 5.19, and used since', () => {
  const lines = ['store(0, 1)', 'r0 = get_user_pages_fast(0, 1, 0, &page)', 'fork(1)', 'store(0, 2)']
  const same = (version: string, child: readonly string[]) => {
    const k = kernel({
      version,
      mms: [{ name: 'A' }, { name: 'C', unborn: true }],
      vmas: [{ mm: 0, pages: 1, prot: RW, flags: MAP_PRIVATE }],
      threads: [
        program('P0', { mm: 0 }, [...lines, 'r1 = kernel_read(page)', 'put_page(page)']),
        program('P1', { mm: 1 }, child),
      ],
    })
    const r = explore(k, () => String(k.register(0, 2)))
    assert.deepEqual(r.broken, [])
    return r.outcomes
  }
  for (const version of ['5.10', '6.1', '6.12', '7.2']) assert.deepEqual(same(version, []), ['1'])
})

test('a write that finds the page replaced meanwhile tries again, and loses nothing', () => {
  for (const version of ['5.10', '6.12']) {
    const k = kernel({
      version,
      mms: [{ name: 'A' }],
      vmas: [{ mm: 0, pages: 1, prot: RW, flags: MAP_PRIVATE }],
      threads: [1, 2].map((v) =>
        program(`P${v}`, { mm: 0 }, ['r0 = load(0)', `store(0, ${v})`, 'r1 = load(0)']),
      ),
    })
    const r = explore(k, () => `${k.register(0, 1)} ${k.register(1, 1)}`)
    assert.deepEqual([r.broken, r.outcomes], [[], ['1 1', '1 2', '2 2']])
  }
})

test('the page cannot be freed and come back while it is copied: a reference is held', () => {
  const k = kernel({
    version: '6.12',
    mms: [{ name: 'A' }, { name: 'C', unborn: true }],
    vmas: [{ mm: 0, pages: 1, prot: RW, flags: MAP_PRIVATE, populated: true }],
    threads: [
      program('P0', { mm: 0 }, ['fork(1)', 'store(0, 2)', 'r0 = load(0)']),
      program('P1', { mm: 1 }, ['munmap(0, 1)']),
      program('P2', {}, ['page = alloc_page()']),
    ],
  })
  const r = explore(k, () => String(k.register(0, 0)))
  assert.deepEqual([r.broken, r.outcomes], [[], ['2']])
})
