import { type Op, nobody, objAnon, objs, opcodes, type Opcode, procs } from './protocol.ts'
import { vmFlags } from './seen.ts'

export const insertions = ['remap', 'pfn', 'mixed', 'page-early', 'page', 'return', 'file'] as const
export type Insertion = (typeof insertions)[number]
export const backings = ['system', 'vram'] as const

/** A driver's object: how its mmap sets flags, and how its memory gets into a VMA. Or a memfd. */
export type ObjectSetup = {
  readonly flags: number
  readonly insert: Insertion
  readonly backing: (typeof backings)[number]
  readonly pages: number
  readonly refusePrivate: boolean
}

/** An interval notifier that an operation can register: whose it is and what it watches is fixed. */
export type NotifierSetup = { readonly proc: number; readonly page: number; readonly pages: number }

/** Operations that start from one process with nothing in its window, and these objects. */
export type Sequence = {
  readonly objects: readonly ObjectSetup[]
  readonly notifiers: readonly NotifierSetup[]
  readonly ops: readonly Op[]
  /** The memory of processes comes from ZONE_MOVABLE. */
  readonly movable?: boolean
}

/** What the arguments of each operation are called, in their order. */
export const argumentNames: Readonly<Record<Opcode, readonly string[]>> = {
  RESET: ['watch'],
  OBJ: ['obj', 'flags', 'insert', 'backing', 'pages'],
  OBJ_DATA: ['obj', 'page', 'value'],
  LOAD: ['page'],
  STORE: ['page', 'value'],
  MMAP: ['page', 'pages', 'prot', 'flags', 'obj'],
  MUNMAP: ['page', 'pages'],
  MPROTECT: ['page', 'pages', 'prot'],
  MADVISE: ['page', 'pages', 'advice'],
  MREMAP: ['page', 'pages', 'newpages', 'flags', 'newpage'],
  MLOCK: ['page', 'pages'],
  MUNLOCK: ['page', 'pages'],
  FORK: ['child'],
  EXIT: [],
  VM_READ: ['whose', 'page'],
  VM_WRITE: ['whose', 'page', 'value'],
  PEEK: ['whose', 'page'],
  POKE: ['whose', 'page', 'value'],
  CORE: [],
  ZAP: ['obj', 'first', 'pages', 'evencows'],
  MOVE: ['obj', 'backing'],
  FREE: ['obj'],
  MOVE_NOUNMAP: ['obj', 'backing'],
  FREE_NOUNMAP: ['obj'],
  ZAP_VMA: ['page', 'pages'],
  FTRUNCATE: ['obj', 'pages'],
  PUNCH_HOLE: ['obj', 'index', 'pages'],
  PREAD: ['obj', 'index'],
  PWRITE: ['obj', 'index', 'value'],
  PIN: ['handle', 'page', 'pages', 'foll'],
  PIN_FAST: ['handle', 'page', 'pages', 'foll'],
  GET: ['handle', 'page', 'pages', 'foll'],
  GET_FAST: ['handle', 'page', 'pages', 'foll'],
  UNPIN: ['handle', 'dirty'],
  PUT: ['handle', 'dirty'],
  HANDLE_READ: ['handle', 'index'],
  HANDLE_WRITE: ['handle', 'index', 'value'],
  PIN_REMOTE: ['handle', 'page', 'whose', 'foll'],
  FOLLOW_PFN: ['page'],
  FOLLOW_PTE: ['page'],
  FOLLOW_PHYS: ['page', 'foll'],
  FOLLOW_PFNMAP: ['page'],
  FIXUP_FAULT: ['page', 'write'],
  NOTIFIER_ADD: ['notifier', 'page', 'pages'],
  NOTIFIER_REMOVE: ['notifier'],
  NOTIFIER_BEGIN: ['notifier'],
  NOTIFIER_RETRY: ['notifier'],
  LOCK_READ: [],
  UNLOCK_READ: [],
  PFN_READ: ['pfn'],
  PFN_WRITE: ['pfn', 'value'],
  LOOKUP: ['page'],
  SET: ['alu', 'left', 'right'],
  JUMP: ['to'],
  BRANCH: ['condition', 'iftrue', 'iffalse'],
  STOP: [],
  VAR_GET: ['variable'],
  VAR_SET: ['variable', 'value'],
  MUTEX_LOCK: ['mutex'],
  MUTEX_UNLOCK: ['mutex'],
  RACE: ['threads', 'seed', 'sigbus', 'sigsegv', 'exact'],
  RACE_THREAD: ['instructions'],
  RACE_REG: ['thread', 'register'],
  RACE_VAR: ['variable'],
}

/** The operations that bring a machine to where a sequence starts. */
export function prelude(sequence: Sequence): Op[] {
  return [
    { op: 'RESET', proc: nobody, args: [0] },
    ...sequence.objects.map((o, i): Op => {
      const backing = backings.indexOf(o.backing) | (o.refusePrivate ? 0x100 : 0)
      return { op: 'OBJ', proc: nobody, args: [i, o.flags, insertions.indexOf(o.insert), backing, o.pages] }
    }),
  ]
}

/** A line of a saved sequence: `P0 mmap page=0 pages=2 prot=3 flags=2 obj=anon`. */
export function showOp(op: Op): string {
  const args = argumentNames[op.op].map((name, i) => {
    const value = op.args[i] ?? 0
    if (op.op === 'MMAP' && name === 'obj')
      return `obj=${(value & 0xff) === objAnon ? 'anon' : `${value & 0xff}+${value >> 8}`}`
    return `${name}=${value}`
  })
  return [op.proc === nobody ? 'kernel' : `P${op.proc}`, op.op.toLowerCase(), ...args].join(' ')
}

export function showSequence(sequence: Sequence, remarks: readonly string[] = []): string {
  const flagsOf = (flags: number) =>
    Object.entries(vmFlags)
      .filter(([, bit]) => flags & bit)
      .map(([name]) => name)
      .join('|') || '0'
  return [
    ...remarks.map((r) => `# ${r}`),
    ...(sequence.movable === true ? ['memory movable'] : []),
    ...sequence.objects.map(
      (o, i) =>
        `object ${i} flags=${flagsOf(o.flags)} insert=${o.insert} backing=${o.backing} pages=${o.pages}${o.refusePrivate ? ' private=refused' : ''}`,
    ),
    ...sequence.notifiers.map((n, i) => `notifier ${i} proc=${n.proc} page=${n.page} pages=${n.pages}`),
    ...sequence.ops.map(showOp),
    '',
  ].join('\n')
}

/** A line that is no operation, and which it is. */
export class SequenceError extends Error {
  override name = 'SequenceError'
}

export function parseSequence(text: string, file = 'sequence'): Sequence {
  const objects: ObjectSetup[] = []
  const known: NotifierSetup[] = []
  const ops: Op[] = []
  let movable = false
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*/, '').trim()
    if (line === '') continue
    const fail = (why: string) => new SequenceError(`${file}:${i + 1}: ${why}`)
    const [who, what, ...words] = line.split(/\s+/)
    const named = new Map(words.map((w) => w.split('=', 2) as [string, string]))
    if (who === 'memory') {
      if (what !== 'movable') throw fail('memory is movable, or nothing is said of it')
      movable = true
      continue
    }
    if (who === 'object') {
      const flags = (named.get('flags') ?? '0').split('|').reduce((sum, name) => {
        const bit = name === '0' ? 0 : (vmFlags as Record<string, number>)[name]
        if (bit === undefined) throw fail(`there is no flag ${name}`)
        return sum | bit
      }, 0)
      const insert = insertions.find((n) => n === named.get('insert'))
      const backing = backings.find((n) => n === named.get('backing'))
      const count = Number(named.get('pages'))
      if (insert === undefined) throw fail(`insert is one of ${insertions.join(', ')}`)
      if (backing === undefined) throw fail(`backing is one of ${backings.join(', ')}`)
      if (Number(what) !== objects.length || objects.length === objs || !(count > 0))
        throw fail('objects are numbered from 0, four at most, and have pages')
      objects.push({
        flags,
        insert,
        backing,
        pages: count,
        refusePrivate: named.get('private') === 'refused',
      })
      continue
    }
    if (who === 'notifier') {
      const [proc, page, count] = ['proc', 'page', 'pages'].map((name) => Number(named.get(name)))
      if (Number(what) !== known.length || !(proc! < procs) || !(page! >= 0) || !(count! > 0))
        throw fail('notifiers are numbered from 0, and have proc=, page= and pages=')
      known.push({ proc: proc!, page: page!, pages: count! })
      continue
    }
    const op = what?.toUpperCase() as Opcode
    if (!(op in opcodes) || op === 'RESET' || op === 'OBJ' || opcodes[op] >= opcodes.LOCK_READ)
      throw fail(`there is no operation '${what}'`)
    const proc = who === 'kernel' ? nobody : Number(/^P(\d)$/.exec(who!)?.[1] ?? -1)
    if (proc !== nobody && !(proc >= 0 && proc < procs)) throw fail(`'${who}' is no process`)
    const args = argumentNames[op].map((name) => {
      const word = named.get(name)
      if (word === undefined) throw fail(`${what} needs ${name}=`)
      if (op === 'MMAP' && name === 'obj') {
        if (word === 'anon') return objAnon
        const m = /^(\d)\+(\d+)$/.exec(word)
        if (!m) throw fail(`obj is anon or OBJECT+PAGE`)
        return Number(m[1]) | (Number(m[2]) << 8)
      }
      const value = Number(word)
      if (!Number.isInteger(value) || value < 0) throw fail(`${name}=${word} is no number`)
      return value
    })
    ops.push({ op, proc, args })
  }
  return { objects, notifiers: known, ops, ...(movable ? { movable } : {}) }
}
