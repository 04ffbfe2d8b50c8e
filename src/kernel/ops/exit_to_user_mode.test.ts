import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registers } from '../testing.ts'

const inCma = (version: string, ...lines: string[]) =>
  registers(
    { version, vmas: [{ mm: 0, name: 'p', pages: 1, prot: 3, flags: 2, populated: true, zone: 'cma' }] },
    lines,
  ).broken

test('a pin that is kept beyond the call must have said so', () => {
  const kept = ['r0 = pin_user_pages_fast(0, 1, 1, &page)', 'exit_to_user_mode()', 'unpin_user_page(page)']
  for (const version of ['5.10', '6.1', '6.12', '7.2'])
    assert.deepEqual(inCma(version, ...kept), ['longterm-movable'], version)
})

test('a pin for the length of the call may be anywhere', () => {
  const released = [
    'r0 = pin_user_pages_fast(0, 1, 1, &page)',
    'unpin_user_page(page)',
    'exit_to_user_mode()',
  ]
  assert.deepEqual(inCma('6.12', ...released), [])
})

test('a frame vector is kept for long: before 5.11 nothing said so', () => {
  const kept = ['r0 = get_vaddr_frames(0, 1, 1, &frames)', 'exit_to_user_mode()', 'put_vaddr_frames(frames)']
  assert.deepEqual(inCma('5.10', ...kept), ['longterm-movable'])
  assert.deepEqual(inCma('6.1', ...kept), [])
})
