import type { Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import { branch, call, id, num, placeOf, run, set } from '../lift/build.ts'
import type { Place } from '../trace/event.ts'

/** What a driver does for its mappings, as one way through its code has it. Repairs rewrite it. */
export type MapPlan = {
  readonly at: Place
  readonly refusesPrivate: boolean
  readonly refusesWrite: boolean
  readonly checksSize: boolean
  readonly checksOffset: boolean
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
}

/** What a user may try, one after the other. */
export const questions = ['size', 'offset', 'private', 'grow', 'upgrade'] as const
export type Question = (typeof questions)[number]

/** The flags that the model knows. */
const modelled = ['VM_IO', 'VM_PFNMAP', 'VM_MIXEDMAP', 'VM_DONTEXPAND', 'VM_MAYWRITE', 'VM_SHARED']

export function liftMapping(name: string, plan: MapPlan, asks: readonly Question[]): LitmusTest {
  const procs: Proc[] = [
    driver('mmap', mmapOf(plan), 'the driver maps its object, of one page'),
    ...(plan.faults === undefined ? [] : [driver('fault', faultOf(plan.faults), 'and fills the mapping in')]),
    {
      name: 'P0',
      context: { kind: 'mm', name: 'A' },
      daemon: false,
      body: userOf(plan, asks),
      comment: 'a user tries what he may',
    },
  ]
  const init: Declaration[] = [
    { kind: 'device', name: 'dev' },
    {
      kind: 'bo',
      name: 'B',
      call: call('dev', num(1), id('system'), ...(plan.refusesWrite ? [id('const')] : [])),
    },
    { kind: 'mm', name: 'A' },
  ]
  return {
    name,
    comment: '',
    expect: [],
    init,
    procs,
    condition: {
      quantifier: 'exists',
      expr: binary(plan.refuses ? '<' : '>=', { kind: 'name', name: 'r0', proc: 'P0' }, num(0)),
    },
  }
}

function driver(name: string, body: readonly Stmt[], comment: string): Proc {
  return { name, context: { kind: 'bo', name: 'B' }, daemon: false, body, comment }
}

function mmapOf(p: MapPlan): Stmt[] {
  const fail = (errno: string): Stmt[] => [back({ kind: 'unary', op: '-', of: id(errno) })]
  if (p.refuses) return fail('ENODEV')
  const body: Stmt[] = []
  if (p.refusesPrivate) body.push(branch(call('is_cow_mapping', id('vma')), fail('EINVAL')))
  if (p.refusesWrite) body.push(branch(call('vma_test', id('vma'), id('VM_WRITE')), fail('EPERM')))
  if (p.checksSize && p.checksOffset)
    body.push(branch(binary('>', binary('+', id('vm_pgoff'), id('vma_pages')), num(1)), fail('EINVAL')))
  else if (p.checksSize) body.push(branch(binary('>', id('vma_pages'), num(1)), fail('EINVAL')))
  else if (p.checksOffset) body.push(branch(binary('>', id('vm_pgoff'), num(0)), fail('EINVAL')))
  const known = (list: readonly string[]): string[] => modelled.filter((f) => list.includes(f))
  const flags = (list: readonly string[]): Expr => list.map(id).reduce((a, b) => binary('|', a, b))
  // What remap_pfn_range() sets by itself need not be said.
  const sets = known(p.sets).filter((f) => p.inserts?.by !== 'remap_pfn_range' || f === 'VM_MIXEDMAP')
  const clears = known(p.clears)
  if (clears.length > 0) body.push(run(call('vm_flags_clear', id('vma'), flags(clears)), p.at))
  if (sets.length > 0) body.push(run(call('vm_flags_set', id('vma'), flags(sets)), p.at))
  if (p.inserts === undefined) body.push(back(num(0)))
  else
    body.push(
      back(
        call(
          p.inserts.by,
          id('vma'),
          id('B'),
          p.inserts.moves ? id('vm_pgoff') : num(0),
          p.inserts.whole ? id('vma_pages') : num(1),
        ),
        p.inserts.at,
      ),
    )
  return body
}

function faultOf(f: NonNullable<MapPlan['faults']>): Stmt[] {
  const index = f.relative ? binary('-', id('vmf_address'), id('vm_start')) : id('vmf_pgoff')
  return [
    ...(f.checks && f.moves ? [branch(binary('>', index, num(0)), [back(id('VM_FAULT_SIGBUS'))])] : []),
    back(call(f.by, id('vma'), id('vmf_address'), id('B'), f.moves ? index : num(0)), f.at),
  ]
}

function userOf(p: MapPlan, asks: readonly Question[]): Stmt[] {
  const prot = p.refusesWrite ? id('PROT_READ') : binary('|', id('PROT_READ'), id('PROT_WRITE'))
  const mmap = (pages: number, flags: string, offset = 0): Expr =>
    call('mmap', id('B'), num(pages), prot, id(flags), ...(offset === 0 ? [] : [num(offset)]))
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
  out.push(set('r0', mmap(1, 'MAP_SHARED'), p.at))
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

const load = (of: Expr): Expr => call('load', of)
const back = (value: Expr, at?: Place): Stmt => ({ kind: 'return', value, ...placeOf(at) })
type Operator = (Expr & { kind: 'binary' })['op']
const binary = (op: Operator, left: Expr, right: Expr): Expr => ({ kind: 'binary', op, left, right })
