import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelledObject, ModelMachine, room } from './model.ts'
import { inventions } from './run.ts'
import { parseSequence, SequenceError, showSequence } from './sequence.ts'

test('a sequence that is saved and read again is the same, whatever is in it', () => {
  const source = inventions('6.12', 7)
  for (let i = 0; i < 60; i++) {
    const { sequence } = source.next().value
    assert.deepEqual(parseSequence(showSequence(sequence, ['a remark'])), sequence)
  }
  const movable = inventions('6.12', 7, true).next().value.sequence
  assert.equal(movable.movable, true)
  assert.deepEqual(parseSequence(showSequence(movable)), movable)
})

test('a seed gives the same sequences, another one others', () => {
  const take = (seed: number) => {
    const source = inventions('6.1', seed)
    return Array.from({ length: 5 }, () => showSequence(source.next().value.sequence))
  }
  assert.deepEqual(take(3), take(3))
  assert.notDeepEqual(take(3), take(4))
})

test('random sequences call every operation that the model has', () => {
  for (const version of ['5.10', '6.1', '6.12', '7.2']) {
    const seen = new Set<string>()
    const source = inventions(version, 1)
    for (let i = 0; i < 80; i++) for (const op of source.next().value.sequence.ops) seen.add(op.op)
    const machine = new ModelMachine(version, [], [])
    for (const op of ['LOAD', 'FORK', 'PIN', 'FOLLOW_PFN', 'FOLLOW_PFNMAP', 'NOTIFIER_ADD', 'MOVE'] as const)
      assert.equal(seen.has(op), machine.has(op), `${version} ${op}`)
  }
})

for (const [text, place] of [
  ['P0 dance page=1', /x:1: there is no operation 'dance'/],
  ['P9 load page=1', /x:1: 'P9' is no process/],
  ['# remark\n\nP0 load', /x:3: load needs page=/],
  ['memory slow', /x:1: memory is movable, or nothing is said of it/],
  ['P0 load page=many', /x:1: page=many is no number/],
  ['object 0 flags=VM_MAGIC insert=pfn backing=vram pages=1', /x:1: there is no flag VM_MAGIC/],
  ['object 1 flags=0 insert=pfn backing=vram pages=1', /x:1: objects are numbered from 0/],
  ['kernel reset watch=0', /x:1: there is no operation 'reset'/],
] as const)
  test(`'${text.split('\n').at(-1)}' is told with its line`, () => {
    assert.throws(
      () => parseSequence(text, 'x'),
      (e) => e instanceof SequenceError && place.test(e.message),
    )
  })

test('objects that the model cannot make are not made up', () => {
  assert.equal(
    modelledObject({ flags: 0, insert: 'return', backing: 'vram', pages: 1, refusePrivate: false }),
    false,
  )
  assert.equal(
    modelledObject({ flags: 0, insert: 'remap', backing: 'system', pages: 1, refusePrivate: false }),
    true,
  )
  assert.ok(room.procs > 1)
})
