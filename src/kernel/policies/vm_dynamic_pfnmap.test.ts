import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure } from '../config.ts'
import { ops } from '../ops/index.ts'
import { freeVmFlagBits } from '../versions.ts'

const says = (version: string, value: string): string[] =>
  configure({ version, policies: { vm_dynamic_pfnmap: value }, threads: [] }, ops).diagnostics.map(
    (d) => d.message,
  )

test('a kernel in which no bit of vm_flags is free does not take the flag, and says why', () => {
  for (const version of ['5.9', '5.10', '7.2'])
    assert.deepEqual(says(version, '32-bit'), [
      `vm_dynamic_pfnmap cannot be 32-bit: all bits of vm_flags are taken on 32-bit ${version}`,
    ])
})

test('a kernel that has a free bit takes it, and every kernel does without', () => {
  for (const version of ['6.1', '6.12']) assert.deepEqual(says(version, '32-bit'), [])
  for (const version of ['5.9', '5.10', '6.1', '6.12', '7.2']) {
    assert.deepEqual(says(version, '64-bit'), [])
    assert.deepEqual(says(version, 'absent'), [])
  }
})

test('a release between two that were read has the free bits of the older one', () => {
  assert.deepEqual(freeVmFlagBits('6.6'), freeVmFlagBits('6.1'))
  assert.deepEqual(freeVmFlagBits('5.11'), freeVmFlagBits('5.9'))
})
