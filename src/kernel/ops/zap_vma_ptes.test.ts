import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KernelConfig, VmFlag } from '../config.ts'
import { registers } from '../testing.ts'

const device = (version: string, flags: readonly VmFlag[]): Omit<KernelConfig, 'threads'> => ({
  version,
  bos: [
    {
      name: 'B',
      pages: 1,
      where: 'vram',
      flags,
      insert: flags.includes('VM_PFNMAP') ? 'vmf_insert_pfn' : 'vmf_insert_mixed',
    },
  ],
  vmas: [{ mm: 0, pages: 1, bo: 0, prot: 3, flags: 1, populated: true }],
})
/** Whether the entry is still there afterwards: a look-up finds one, and faults nothing in. */
const left = (version: string, flags: readonly VmFlag[], addr: number, pages: number): boolean => {
  const look = version === '7.2' ? 'follow_pfnmap_start(_, 0, &pfn)' : 'follow_pfn(_, 0, &pfn)'
  const r = registers(device(version, ['VM_IO', ...flags]), [
    'mmap_read_lock()',
    `zap_vma_ptes(_, ${addr}, ${pages})`,
    `r0 = ${look}`,
    ...(version === '7.2' ? ['if r0 != 0 goto 5', 'follow_pfnmap_end()'] : []),
    'mmap_read_unlock()',
  ])
  assert.deepEqual(r.broken, [])
  return r['r0'] === 0
}

test('the entries of a VM_PFNMAP mapping go', () => {
  for (const version of ['5.10', '6.1', '7.2'])
    assert.equal(left(version, ['VM_PFNMAP'], 0, 1), false, version)
})

test('a range that is not within the mapping is passed over', () => {
  assert.equal(left('6.1', ['VM_PFNMAP'], 0, 2), true)
  assert.equal(left('6.1', ['VM_PFNMAP'], 1, 1), true)
})

test('of VM_MIXEDMAP they go in 7.2 only', () => {
  assert.equal(left('6.1', ['VM_MIXEDMAP'], 0, 1), true)
  assert.equal(left('7.2', ['VM_MIXEDMAP'], 0, 1), false)
})
