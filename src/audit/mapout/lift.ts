import type { Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import { binary, branch, call, id, inEnd, num, placeOf, run, set, testOf } from '../lift/build.ts'
import type { Place } from '../trace/event.ts'

/** What a driver does for its mappings, as one way through its code has it. Repairs rewrite it. */
export type MapPlan = {
  readonly at: Place
  readonly refusesPrivate: boolean
  readonly refusesWrite: boolean
  readonly checksSize: boolean
  readonly checksOffset: boolean
  /** What it compares is a place that the offset is added to, and that sum may wrap. */
  readonly wraps?: boolean
  readonly sets: readonly string[]
  readonly clears: readonly string[]
  readonly inserts?: {
    readonly by: 'remap_pfn_range' | 'vm_insert_pages'
    /** As much as the mapping is long, from its offset on. */
    readonly whole: boolean
    readonly moves: boolean
    readonly at: Place
  }
  readonly faults?: {
    readonly by: 'vmf_insert_pfn' | 'finish_fault'
    readonly checks: boolean
    readonly moves: boolean
    /** Counted from where the mapping begins, whatever its offset. */
    readonly relative?: boolean
    readonly at: Place
  }
  /** It refuses every mapping. */
  readonly refuses?: true
  /** It is the file of a dma-buf that is mapped. */
  readonly exported?: true
  /** What a mapping keeps of its object: references that mmap and ->open take, and ->close drops. */
  readonly counts?: {
    readonly mmap: boolean
    /** The object is made by mmap and goes with its mapping: nobody else has a reference. */
    readonly own: boolean
    readonly open: boolean
    readonly openAt?: Place
    readonly closeAt: Place
    readonly how: 'fork' | 'split'
  }
  /** What is mapped is part of a page of the slab allocator, or not the object at all; or, as it should be, whole pages. */
  readonly memory?: 'slab' | 'elsewhere' | 'pages'
  /** The memory is freed; its mappings are taken away first, or refused from then on, or hold it. */
  readonly freed?: {
    readonly how: 'free' | 'zap' | 'refuse' | 'put'
    readonly by: 'user' | 'removal'
    readonly at: Place
    readonly zapAt?: Place
  }
}

/** What a user may try, one after the other. */
export const questions = ['size', 'offset', 'private', 'grow', 'upgrade', 'copy', 'freed', 'memory'] as const
export type Question = (typeof questions)[number]

/** Where the object begins: its last page is the last number of eight bits. */
const high = 126

/** The flags that the model knows. */
const modelled = ['VM_IO', 'VM_PFNMAP', 'VM_MIXEDMAP', 'VM_DONTEXPAND', 'VM_MAYWRITE', 'VM_SHARED']

export function liftMapping(name: string, plan: MapPlan, asks: readonly Question[]): LitmusTest {
  const copies = asks.includes('copy') ? plan.counts?.how : undefined
  const own = plan.counts?.own === true
  const pages = copies === 'split' ? 2 : 1
  const freed = asks.includes('freed') ? plan.freed : undefined
  const counted = asks.includes('copy') || freed?.how === 'put' ? plan.counts : undefined
  const locked = freed?.how === 'refuse'
  // A fault may come in between; what mmap has inserted is all that there is.
  const aside = freed !== undefined && plan.faults !== undefined
  const procs: Proc[] = [
    driver(
      'mmap',
      mmapOf(plan, pages, counted?.mmap === true && !own),
      `the driver maps its object, of ${pages === 1 ? 'one page' : 'two pages'}`,
    ),
    ...(plan.faults === undefined
      ? []
      : [driver('fault', faultOf(plan.faults, pages, locked), 'and fills the mapping in')]),
    ...(counted?.open === true
      ? [driver('open', [run(call('bo_get', id('B')), counted.openAt)], 'for a copy, or the other half')]
      : []),
    ...(counted === undefined
      ? []
      : [driver('close', [run(call('bo_put', id('B')), counted.closeAt)], 'for each mapping that goes')]),
    {
      name: 'P0',
      context: { kind: 'mm', name: 'A' },
      daemon: false,
      body: [
        ...userOf(
          plan,
          asks.filter((a) => a !== 'copy' && a !== 'freed' && a !== 'memory'),
          pages,
        ),
        ...(copies === undefined ? [] : copyOf(copies, own)),
        ...(freed === undefined
          ? []
          : [
              ...(aside ? [] : freeOf(freed)),
              branch(binary('>=', id('r0'), num(0)), [set('r6', load(id('r0')))]),
            ]),
      ],
      comment: 'a user tries what he may',
    },
    ...(aside
      ? [
          {
            name: 'P1',
            context: { kind: 'device', name: 'dev' },
            daemon: false,
            body: freeOf(freed),
            comment: freed.by === 'user' ? 'an ioctl of another thread' : 'the driver is unbound',
          },
        ]
      : []),
    ...(copies === 'fork'
      ? [
          {
            name: 'P1',
            context: { kind: 'mm', name: 'C' },
            daemon: false,
            body: own
              ? [set('r0', load(num(0))), run(call('munmap', num(0), num(1)))]
              : [
                  run(call('munmap', num(0), num(1))),
                  set('r0', load(num(1))),
                  run(call('munmap', num(1), num(1))),
                ],
            comment: own ? 'the child has its copy still' : 'the child unmaps one, and has the other still',
          },
        ]
      : []),
  ]
  const init: Declaration[] = [
    { kind: 'device', name: 'dev' },
    {
      kind: 'bo',
      name: 'B',
      call: call(
        'dev',
        num(pages),
        id('system'),
        ...(plan.memory === 'slab' ? [id('slab')] : []),
        ...(plan.refusesWrite ? [id('const')] : []),
      ),
    },
    ...(plan.exported
      ? [{ kind: 'dma_buf', name: 'D', call: call('dma_buf_export', id('B')) } as const]
      : []),
    { kind: 'mm', name: 'A' },
    ...(copies === 'fork' ? [{ kind: 'mm', name: 'C', call: call('unborn') } as const] : []),
    ...(locked
      ? ([
          { kind: 'mutex', name: 'm' },
          { kind: 'int', name: 'gone' },
        ] as const)
      : []),
  ]
  return testOf(name, init, procs, binary(plan.refuses ? '<' : '>=', inEnd('P0', 'r0'), num(0)))
}

function driver(name: string, body: readonly Stmt[], comment: string): Proc {
  return { name, context: { kind: 'bo', name: 'B' }, daemon: false, body, comment }
}

function mmapOf(p: MapPlan, pages: number, takes: boolean): Stmt[] {
  const fail = (errno: string): Stmt[] => [back({ kind: 'unary', op: '-', of: id(errno) })]
  if (p.refuses) return fail('ENODEV')
  const body: Stmt[] = []
  if (p.refusesPrivate) body.push(branch(call('is_cow_mapping', id('vma')), fail('EINVAL')))
  if (p.refusesWrite) body.push(branch(call('vma_test', id('vma'), id('VM_WRITE')), fail('EPERM')))
  if (p.checksSize && p.checksOffset)
    body.push(branch(binary('>', binary('+', id('vm_pgoff'), id('vma_pages')), num(pages)), fail('EINVAL')))
  else if (p.wraps)
    body.push(
      // No length is so great that it wraps by itself.
      branch(binary('>', id('vma_pages'), num(pages)), fail('EINVAL')),
      set('r0', binary('+', binary('+', num(high), id('vm_pgoff')), id('vma_pages'))),
      branch(binary('>', id('r0'), num(high + pages)), fail('EINVAL')),
    )
  else if (p.checksSize) body.push(branch(binary('>', id('vma_pages'), num(pages)), fail('EINVAL')))
  else if (p.checksOffset) body.push(branch(binary('>', id('vm_pgoff'), num(0)), fail('EINVAL')))
  const known = (list: readonly string[]): string[] => modelled.filter((f) => list.includes(f))
  const flags = (list: readonly string[]): Expr => list.map(id).reduce((a, b) => binary('|', a, b))
  // What remap_pfn_range() sets by itself need not be said.
  const sets = known(p.sets).filter((f) => p.inserts?.by !== 'remap_pfn_range' || f === 'VM_MIXEDMAP')
  const clears = known(p.clears)
  if (clears.length > 0) body.push(run(call('vm_flags_clear', id('vma'), flags(clears)), p.at))
  if (sets.length > 0) body.push(run(call('vm_flags_set', id('vma'), flags(sets)), p.at))
  if (takes) body.push(run(call('bo_get', id('B')), p.at))
  if (p.inserts === undefined) body.push(back(num(0)))
  else
    body.push(
      back(
        call(
          p.inserts.by,
          id('vma'),
          id('B'),
          p.memory === 'elsewhere' ? num(1) : p.inserts.moves ? id('vm_pgoff') : num(0),
          p.inserts.whole ? id('vma_pages') : num(pages),
        ),
        p.inserts.at,
      ),
    )
  return body
}

function faultOf(f: NonNullable<MapPlan['faults']>, pages: number, locked: boolean): Stmt[] {
  const underLock = (does: Expr): Stmt[] => [
    run(call('mutex_lock', id('m'))),
    set('r8', call('READ_ONCE', id('gone'))),
    branch(id('r8'), [run(call('mutex_unlock', id('m'))), back(id('VM_FAULT_SIGBUS'))]),
    set('r9', does, f.at),
    run(call('mutex_unlock', id('m'))),
    back(id('r9')),
  ]
  const index = f.relative ? binary('-', id('vmf_address'), id('vm_start')) : id('vmf_pgoff')
  const insert = call(f.by, id('vma'), id('vmf_address'), id('B'), f.moves ? index : num(0))
  return [
    ...(f.checks && f.moves
      ? [branch(binary('>', index, num(pages - 1)), [back(id('VM_FAULT_SIGBUS'))])]
      : []),
    ...(locked ? underLock(insert) : [back(insert, f.at)]),
  ]
}

function userOf(p: MapPlan, asks: readonly Question[], size: number): Stmt[] {
  const prot = p.refusesWrite ? id('PROT_READ') : binary('|', id('PROT_READ'), id('PROT_WRITE'))
  const mmap = (pages: number, flags: string, offset = 0): Expr =>
    call(
      p.exported ? 'dma_buf_mmap' : 'mmap',
      id(p.exported ? 'D' : 'B'),
      num(pages),
      prot,
      id(flags),
      ...(offset === 0 ? [] : [num(offset)]),
    )
  const then = (reg: string, body: readonly Stmt[], last: boolean, pages = 1): Stmt =>
    branch(binary('>=', id(reg), num(0)), last ? body : [...body, run(call('munmap', id(reg), num(pages)))])
  const out: Stmt[] = []
  const single = asks.length === 1
  if (asks.includes('size'))
    out.push(
      set('r1', mmap(2, 'MAP_SHARED'), p.at),
      then('r1', [set('r2', load(binary('+', id('r1'), num(1))))], single, 2),
    )
  if (asks.includes('offset'))
    out.push(set('r1', mmap(1, 'MAP_SHARED', 1), p.at), then('r1', [set('r2', load(id('r1')))], single))
  if (asks.includes('private'))
    out.push(set('r1', mmap(1, 'MAP_PRIVATE'), p.at), then('r1', [set('r2', load(id('r1')))], single))
  out.push(set('r0', mmap(size, 'MAP_SHARED'), p.at))
  if (p.refuses) return out
  const body: Stmt[] = [set('r2', load(id('r0')))]
  if (asks.includes('upgrade'))
    body.push(
      set('r3', call('mprotect', id('r0'), num(1), binary('|', id('PROT_READ'), id('PROT_WRITE')))),
      branch(binary('==', id('r3'), num(0)), [run(call('store', id('r0'), num(1)))]),
    )
  if (asks.includes('grow'))
    body.push(
      set('r4', call('mremap', id('r0'), num(1), num(2), id('MREMAP_MAYMOVE'))),
      branch(binary('>=', id('r4'), num(0)), [set('r2', load(binary('+', id('r4'), num(1))))]),
    )
  out.push(branch(binary('>=', id('r0'), num(0)), body))
  return out
}

function freeOf(f: NonNullable<MapPlan['freed']>): Stmt[] {
  const free = run(call(f.how === 'put' ? 'bo_put' : 'bo_free_nounmap', id('B')), f.at)
  const zap = run(call('unmap_mapping_range', id('B')), f.zapAt)
  if (f.how === 'zap') return [zap, free]
  if (f.how !== 'refuse') return [free]
  return [
    run(call('mutex_lock', id('m'))),
    run(call('WRITE_ONCE', id('gone'), num(1))),
    zap,
    run(call('mutex_unlock', id('m'))),
    free,
  ]
}

/** Two mappings, and then four; or one, and then two. Whoever is left reads. */
function copyOf(how: 'fork' | 'split', own: boolean, pages = how === 'split' ? 2 : 1): Stmt[] {
  const at = (reg: string, page: number): Expr => (page === 0 ? id(reg) : binary('+', id(reg), num(page)))
  const gone = (reg: string, page = 0): Stmt => run(call('munmap', at(reg, page), num(1)))
  const made = (body: readonly Stmt[]): Stmt => branch(binary('>=', id('r0'), num(0)), body)
  const left = (reg: string): Stmt[] => [set('r6', load(at(reg, 1))), gone(reg, 1)]
  const rest = how === 'split' ? [gone('r0', 1), gone('r5'), ...left('r5')] : [gone('r5')]
  const fork = how === 'fork' ? [set('r6', call('fork', id('C')))] : []
  if (own) return [made([...fork, gone('r0'), ...(how === 'split' ? left('r0') : [])])]
  return [
    set('r5', call('mmap', id('B'), num(pages), id('PROT_READ'), id('MAP_SHARED'))),
    made([...fork, gone('r0'), ...rest]),
  ]
}

const load = (of: Expr): Expr => call('load', of)
const back = (value: Expr, at?: Place): Stmt => ({ kind: 'return', value, ...placeOf(at) })
