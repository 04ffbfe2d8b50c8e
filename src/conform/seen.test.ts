import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModelMachine } from './model.ts'
import { type Answer, eventKinds, frameBits, pteBits, refKinds } from './protocol.ts'
import { agrees, byPfn, differences, KernelEyes, type Seen } from './seen.ts'

const compared = new ModelMachine('6.12', [], []).compared
const answer = (more: Partial<Answer> = {}): Answer => ({
  ret: 0,
  data: 0,
  data2: 0,
  alive: 1,
  overflow: false,
  vmas: [],
  ptes: [],
  frames: [],
  refs: [],
  events: [],
  same: false,
  ...more,
})
const page = (pfn: number, more: Partial<Answer['frames'][number]> = {}) => ({
  pfn,
  refcount: 1,
  mapcount: 1,
  flags: frameBits.VALID | frameBits.ANON,
  data: 0,
  ...more,
})
const mapped = (pfn: number, more = {}) =>
  answer({
    ptes: [{ proc: 0, page: 3, bits: pteBits.PRESENT | pteBits.DIRTY, frame: 0 }],
    frames: [page(pfn, more)],
  })

test('a frame is known again by the entry that named it before, whatever its number', () => {
  const eyes = new KernelEyes(compared)
  assert.equal(eyes.see(mapped(77), 'STORE').frames[0]!.before, -1)
  assert.equal(eyes.see(mapped(77), 'STORE').frames[0]!.before, 0)
  assert.equal(eyes.see(mapped(78), 'STORE').frames[0]!.before, -1)
  assert.equal(eyes.see(mapped(78), 'RESET').frames[0]!.before, -1)
})

test('an answer that is as the one before shows the same, each frame where it was, and its own result', () => {
  const eyes = new KernelEyes(compared)
  const first = eyes.see(mapped(77), 'STORE')
  const second = eyes.see({ ...mapped(77), ret: -14, same: true }, 'LOAD')
  assert.deepEqual(second, { ...first, ret: -14, frames: [{ ...first.frames[0]!, before: 0 }] })
  assert.equal(eyes.see({ ...mapped(77), data: 77, same: true }, 'FOLLOW_PFNMAP').found, 0)
})

test('each thing that is compared makes a difference, and is named', () => {
  const see = (a: Answer, op: 'LOAD' | 'FOLLOW_PFNMAP' = 'LOAD'): Seen =>
    new KernelEyes(compared, [{ proc: 0, page: 0, pages: 1 }]).see(a, op)
  const same = see(mapped(5))
  assert.deepEqual(differences(same, see(mapped(9))), [])
  const vma = { proc: 0, start: 1, end: 2, obj: 0, pgoff: 0, flags: 3 }
  const event = { kind: eventKinds.INVALIDATE, id: 0, start: 0, end: 1, proc: 0, arg: 1 }
  const others: [Seen, RegExp][] = [
    [see({ ...mapped(5), ret: -14 }), /^result: the model has 0, the kernel -14/],
    [see({ ...mapped(5), data: 4 }), /^data/],
    [see({ ...mapped(5), alive: 3 }), /^processes/],
    [see({ ...mapped(5), vmas: [vma] }), /^VMAs/],
    [see({ ...mapped(5), ptes: [{ proc: 0, page: 4, bits: 1, frame: 0 }] }), /^page table entries/],
    [see({ ...mapped(5), ptes: [{ proc: 0, page: 3, bits: 3, frame: 0 }] }), /^page table entries/],
    [see(mapped(5, { refcount: 2 })), /^frames/],
    [see(mapped(5, { mapcount: 2 })), /^frames/],
    [see(mapped(5, { data: 2 })), /^frames/],
    [see(mapped(5, { flags: frameBits.ANON | frameBits.EXCLUSIVE })), /^frames/],
    [see({ ...mapped(5), refs: [{ kind: refKinds.HANDLE, id: 0, index: 0, frame: 0 }] }), /^objects/],
    [see({ ...mapped(5), events: [event] }), /^calls back/],
    [see({ ...mapped(5), data: 5 }, 'FOLLOW_PFNMAP'), /^frame looked up/],
  ]
  for (const [other, what] of others) {
    assert.equal(agrees(same, other), false, String(what))
    assert.match(differences(same, other)[0]!, what)
  }
})

test("what means nothing is not compared: counts of the zero page, what is in memory that is nobody's", () => {
  const see = (more: object) => new KernelEyes(compared).see(mapped(5, more), 'LOAD')
  const zero = { flags: frameBits.ZERO }
  assert.equal(agrees(see({ ...zero, refcount: 1 }), see({ ...zero, refcount: 9 })), true)
  const freed = { flags: frameBits.QUARANTINE, refcount: 0 }
  assert.equal(agrees(see({ ...freed, data: 1 }), see({ ...freed, data: 2 })), true)
  const held = { flags: frameBits.QUARANTINE, refcount: 1 }
  assert.equal(agrees(see({ ...held, data: 1 }), see({ ...held, data: 2 })), false)
})

test('a private remap_pfn_range() mapping has a PFN for an offset', () => {
  const vma = { proc: 0, start: 1, end: 2, obj: 1, pgoff: 257, flags: 3 }
  const see = (pgoff: number) =>
    new KernelEyes(compared).see(answer({ vmas: [{ ...vma, pgoff }] }), 'MMAP').vmas[0]!.pgoff
  assert.equal(see(257), 1)
  assert.equal(see(0x5713), byPfn)
})

test('of a notifier it is compared of which of its pages it was told, not in how many calls; of a fault all', () => {
  const told = (...ranges: [number, number][]) =>
    new KernelEyes(compared, [{ proc: 0, page: 2, pages: 3 }]).see(
      answer({
        events: ranges.map(([start, end]) => ({
          kind: eventKinds.INVALIDATE,
          id: 0,
          start,
          end,
          proc: 0,
          arg: 1,
        })),
      }),
      'MUNMAP',
    )
  assert.equal(agrees(told([2, 4]), told([2, 3], [0, 4])), true)
  assert.equal(agrees(told([2, 4]), told([2, 255])), false)
  assert.equal(agrees(told([2, 4]), told()), false)
  const fault = (end: number) =>
    new KernelEyes(compared).see(
      answer({ events: [{ kind: eventKinds.FAULT, id: 1, start: 0, end, proc: 0, arg: 0 }] }),
      'STORE',
    )
  assert.equal(agrees(fault(1), fault(1)), true)
  assert.equal(agrees(fault(1), fault(0)), false)
})
