import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { guestSources } from './cache.ts'
import * as protocol from './protocol.ts'

const header = readFileSync(join(guestSources, 'protocol.h'), 'utf8')

/** What a name stands for in protocol.h: of a #define, or of an enum. */
function number(name: string): number {
  const m = new RegExp(`(?:#define TENURE_${name}\\s+|TENURE_${name} = )([^,\\n/]+)`).exec(header)
  assert.ok(m, `protocol.h has no TENURE_${name}`)
  const text = m[1]!
    .trim()
    .replaceAll('UL', '')
    .replace(/^\((.*)\)$/, '$1')
  const shift = /^(\d+) << (\d+)$/.exec(text)
  const value = shift ? Number(shift[1]) * 2 ** Number(shift[2]) : Number(text)
  assert.ok(Number.isInteger(value), `TENURE_${name} is ${text}`)
  return value
}

test('the guest and the host have the same numbers', () => {
  const same: Record<string, number> = {
    MAGIC: protocol.magic,
    VERSION: protocol.version,
    PROCS: protocol.procs,
    PAGES: protocol.pages,
    OBJS: protocol.objs,
    OBJ_PAGES: protocol.objPages,
    HANDLES: protocol.handles,
    HANDLE_PAGES: protocol.handlePages,
    NOTIFIERS: protocol.notifiers,
    OBJ_STRIDE: protocol.objStride,
    SHM_SIZE: protocol.shmSize,
    OPS_OFFSET: protocol.opsOffset,
    OPS_SIZE: protocol.opsSize,
    ANSWERS_OFFSET: protocol.answersOffset,
    SIGNAL: protocol.signalBase,
    ABSENT: protocol.absent,
    OBJ_ANON: protocol.objAnon,
    VMA_ANON: protocol.vmaAnon,
    VMA_SHMEM: protocol.vmaShmem,
    QUIET: protocol.quiet,
    RACE_THREADS: protocol.raceThreads,
    RACE_REGS: protocol.raceRegisters,
    RACE_VARS: protocol.raceVars,
    RACE_MUTEXES: protocol.raceMutexes,
    ...protocol.opcodes,
    ...prefixed('PTE', protocol.pteBits),
    ...prefixed('FRAME', protocol.frameBits),
    ...prefixed('REF', protocol.refKinds),
    ...prefixed('EVENT', protocol.eventKinds),
  }
  for (const [name, value] of Object.entries(same)) assert.equal(number(name), value, name)
})

test('every operation of the guest is one of the host', () => {
  const block = /enum tenure_opcode \{([^}]*)\}/.exec(header)![1]!
  const names = [...block.matchAll(/TENURE_(\w+) = /g)].map((m) => m[1]!)
  assert.deepEqual(names, Object.keys(protocol.opcodes))
})

function prefixed(prefix: string, numbers: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`${prefix}_${name}`, value]))
}

test('what is computed in a race has the same numbers', () => {
  const names = { '==': 'EQ', '!=': 'NE', '<': 'LT', '<=': 'LE', '>': 'GT', '>=': 'GE' }
  const more = { '&&': 'LAND', '||': 'LOR', '+': 'ADD', '-': 'SUB', '|': 'OR', '&': 'AND' }
  for (const [i, sign] of protocol.alu.entries())
    assert.equal(number(`ALU_${{ ...names, ...more }[sign]}`), i, sign)
})

test('an operation is sent as its code, its process and five arguments', () => {
  const bytes = protocol.encode([{ op: 'MMAP', proc: 2, args: [1, 2, 3, 0x80000001] }])
  assert.deepEqual([...bytes], [12, 2, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 128, 0, 0, 0, 0])
})

test('an answer is read back whole, and one that is cut off is not read at all', () => {
  const bytes = new Uint8Array(24 + 16 + 4 + 20 + 4 + 8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setInt32(4, -14, true)
  view.setUint32(8, 7, true)
  bytes.set([1, 1, 1, 1, 1, 0b101], 16)
  bytes.set([0, 2, 5, 1], 24)
  view.setUint32(28, 257, true)
  view.setUint32(32, 0x10000000 | 3, true)
  bytes.set([0, 3, protocol.pteBits.PRESENT, 0], 40)
  view.setUint32(44, 0xabcd, true)
  view.setInt32(48, 1025, true)
  view.setInt32(52, 1, true)
  view.setUint16(56, protocol.frameBits.ANON, true)
  view.setUint32(60, 9, true)
  bytes.set([protocol.refKinds.HANDLE, 4, 0, 0], 64)
  bytes.set([protocol.eventKinds.INVALIDATE, 1, 0, 255, 2, 3], 68)
  const answers = new protocol.Answers(bytes)
  assert.deepEqual(answers.next(), {
    ret: -14,
    data: 7,
    data2: 0,
    alive: 0b101,
    overflow: false,
    vmas: [{ proc: 0, start: 2, end: 5, obj: 1, pgoff: 257, flags: 0x10000003 }],
    ptes: [{ proc: 0, page: 3, bits: 1, frame: 0 }],
    frames: [{ pfn: 0xabcd, refcount: 1025, mapcount: 1, flags: 2, data: 9 }],
    refs: [{ kind: 2, id: 4, index: 0, frame: 0 }],
    events: [{ kind: 7, id: 1, start: 0, end: 255, proc: 2, arg: 3 }],
    same: false,
  })
  assert.equal(answers.ended, true)
  assert.throws(() => new protocol.Answers(bytes.subarray(0, 60)).next(), RangeError)
})

test('an answer with what the one before it had is known as that, another result or not; one byte makes another', () => {
  const one = new Uint8Array(24 + 4)
  const view = new DataView(one.buffer)
  view.setUint32(0, one.length, true)
  one.set([0, 1], 16)
  one.set([0, 3, protocol.pteBits.PRESENT, 0], 24)
  const two = one.slice()
  two[4] = 5
  const three = one.slice()
  three[26]! |= protocol.pteBits.WRITE
  const answers = new protocol.Answers(Uint8Array.from([...one, ...two, ...three, ...three]))
  const read = Array.from({ length: 4 }, () => answers.next())
  assert.deepEqual(
    read.map((a) => [a.same, a.ret, a.ptes[0]!.bits]),
    [
      [false, 0, 1],
      [true, 5, 1],
      [false, 0, 3],
      [true, 0, 3],
    ],
  )
})
