import type { Declaration, Expr, LitmusTest, Proc, Stmt } from '../../litmus/index.ts'
import { binary, branch, call, id, inEnd, num, out, run, set, testOf, thread } from '../lift/build.ts'
import type { Place } from '../trace/event.ts'
import type { Plan, Step } from './plan.ts'

export type LiftRules = {
  /** The kernel has dma_buf_map_attachment_unlocked(). */
  readonly unlocked: boolean
}

/** A plan as a test: the importer in the order of the code, the process that closes its descriptor, the exporter that moves its memory. */
export function liftDmaBuf(name: string, plan: Plan, { unlocked }: LiftRules): LitmusTest {
  const body: Stmt[] = []
  const { things, exporter = 'gpu' } = plan
  const dynamic = things.some((t) => t.dynamic !== undefined)
  const names = nameThings(plan)
  const nameOf = (n: number): Expr => id(names[n]!)
  const bufOf = (n: number): number => (things[n]!.kind === 'buf' ? n : bufOf(things[n]!.of!))
  const attachOf = (n: number): number => (things[n]!.kind === 'attach' ? n : things[n]!.of!)
  let register = 0
  let held: 'no' | 'code' | 'caller' = 'no'
  let wanted = 0
  const lock = (at?: Place): void => void body.push(run(call('dma_resv_lock', id('D')), at))
  const unlock = (at?: Place): void => void body.push(run(call('dma_resv_unlock', id('D')), at))
  const result = (e: Expr, at?: Place): string => {
    const r = `r${register++}`
    body.push(set(r, e, at))
    return r
  }
  const dirs = directions(plan)
  const dirOf = (d: string | undefined): string => dirs.get(d ?? '?') ?? 'DMA_BIDIRECTIONAL'
  const mapped = new Map<number, string>()
  const publishes = plan.steps.some((s) => s.do === 'publish')
  const exported = publishes || plan.steps.some((s) => s.do === 'get' && s.api === 'dma_buf_export')
  const told = (n: number): boolean => things[n]!.dynamic !== undefined
  const use = (n: number): void => {
    const reads = mapped.get(n) === 'DMA_TO_DEVICE'
    const sgt = id(told(attachOf(n)) ? 'mr.sgt' : names[n]!)
    const uses = reads ? call('dma_read', sgt) : call('dma_write', sgt, num(1))
    // Who can be told of moves looks whether the mapping is still there, under the lock.
    if (!told(attachOf(n)) || things[attachOf(n)]!.dynamic !== 'drops') body.push(run(uses))
    else {
      if (held === 'no') lock()
      body.push(branch(id('mr.sgt'), [run(uses)]))
      if (held === 'no') unlock()
    }
  }
  const get = (n: number, at?: Place): void => {
    const r = result(call('dma_buf_get', id('D'), out(names[n]!)), at)
    body.push(branch({ kind: 'binary', op: '<', left: id(r), right: num(0) }, [{ kind: 'return' }], at))
  }
  const exports = (n: number, at?: Place): void => {
    const r = result(call('dma_buf_export', id('B'), out(names[n]!)), at)
    body.push(branch({ kind: 'binary', op: '<', left: id(r), right: num(0) }, [{ kind: 'return' }], at))
  }
  const attach = (n: number, at?: Place): void => {
    const buf = nameOf(bufOf(n))
    const e = told(n)
      ? call('dma_buf_dynamic_attach', buf, id('dev'), nameOf(n))
      : call('dma_buf_attach', buf, id('dev'), out(names[n]!))
    result(e, at)
  }
  const map = (n: number, api: string, dir: string, at?: Place): void => {
    mapped.set(n, dir)
    result(call(api, nameOf(attachOf(n)), id(dir), out(names[n]!)), at)
    if (told(attachOf(n))) body.push(set('mr.sgt', nameOf(n)))
  }
  const unmap = (n: number, api: string, dir: string, at?: Place): void => {
    mapped.delete(n)
    const sgt = told(attachOf(n)) && things[attachOf(n)]!.dynamic === 'drops' ? id('mr.sgt') : nameOf(n)
    const does: Stmt[] = [run(call(api, nameOf(attachOf(n)), sgt, id(dir)), at)]
    if (told(attachOf(n)) && things[attachOf(n)]!.dynamic === 'drops') {
      // Whether it is still there is asked under the lock.
      const locked = call('dma_buf_unmap_attachment', nameOf(attachOf(n)), sgt, id(dir))
      if (held === 'no') lock()
      body.push(branch(id('mr.sgt'), [run(locked, at), set('mr.sgt', id('NULL'))], at))
      if (held === 'no') unlock()
    } else body.push(...does)
  }
  /** In the way of somebody who does it right. */
  const rightly = (what: 'map' | 'unmap', n: number): void => {
    const at = undefined
    const dir = 'DMA_BIDIRECTIONAL'
    const by = what === 'map' ? map : unmap
    if (unlocked && held === 'no') return by(n, `dma_buf_${what}_attachment_unlocked`, dir, at)
    if (held === 'no') lock()
    by(n, `dma_buf_${what}_attachment`, dir, at)
    if (held === 'no') unlock()
  }

  const pin = (what: 'pin' | 'unpin', n: number): void => {
    if (held === 'no') lock()
    body.push(run(call(`dma_buf_${what}`, nameOf(attachOf(n)))))
    if (held === 'no') unlock()
  }

  // What was there.
  for (const [n, t] of things.entries()) {
    if (!t.given) continue
    if (t.kind === 'buf') {
      // The reference of whoever publishes it.
      if (publishes) names[n] = 'D'
      else get(n)
    } else if (t.kind === 'attach') attach(n)
    else if (t.kind === 'sgt') rightly('map', n)
    else pin('pin', n)
  }
  const gone = new Set<number>()
  for (const s of plan.steps) {
    const { at } = s
    switch (s.do) {
      case 'asserted':
        wanted++
        break
      case 'lock':
        wanted++
        if (held === 'no') {
          lock(at)
          held = 'code'
        }
        break
      case 'unlock':
        wanted = Math.max(0, wanted - 1)
        if (wanted === 0 && held !== 'no') {
          unlock(at)
          held = 'no'
        }
        break
      case 'later':
        if (held !== 'no') unlock()
        held = 'no'
        wanted = 0
        for (const n of mapped.keys()) use(n)
        break
      default: {
        const needs = s.locked === true
        if (needs && wanted > 0 && held === 'no') {
          lock()
          held = 'caller'
        }
        // It takes the lock itself: then what is held is that of another object.
        const takes = s.do === 'attach' || s.do === 'detach' || s.locked === false
        if (takes && held !== 'no') {
          unlock()
          held = 'no'
        }
        step(s)
      }
    }
  }
  function step(s: Step & { readonly n: number }): void {
    const { n, at } = s
    switch (s.do) {
      case 'get':
        return s.api === 'dma_buf_export' ? exports(n, at) : get(n, at)
      case 'publish':
        return void body.push(set('fd', call('dma_buf_fd', nameOf(n)), at))
      case 'use':
        return void body.push(run(call('read_field', nameOf(n)), at))
      case 'ref':
        return void body.push(run(call('get_dma_buf', nameOf(n)), at))
      case 'put':
        return void body.push(run(call('dma_buf_put', nameOf(n)), at))
      case 'attach':
        return attach(n, at)
      case 'detach':
        gone.add(n)
        return void body.push(run(call('dma_buf_detach', nameOf(bufOf(n)), nameOf(n)), at))
      case 'map':
        map(
          n,
          s.locked === false ? 'dma_buf_map_attachment_unlocked' : 'dma_buf_map_attachment',
          dirOf(s.dir),
          at,
        )
        return use(n)
      case 'unmap': {
        const api =
          s.locked === false && unlocked ? 'dma_buf_unmap_attachment_unlocked' : 'dma_buf_unmap_attachment'
        gone.add(n)
        return unmap(n, api, things[n]!.given ? 'DMA_BIDIRECTIONAL' : dirOf(s.dir), at)
      }
      case 'pin':
        return void result(call('dma_buf_pin', nameOf(attachOf(n))), at)
      case 'unpin':
        gone.add(n)
        return void body.push(run(call('dma_buf_unpin', nameOf(attachOf(n))), at))
    }
  }
  if (held !== 'no') unlock()
  held = 'no'
  // What others have made they undo, if it is still there.
  for (const [n, t] of [...things.entries()].reverse()) {
    if (!t.given || gone.has(n)) continue
    if (t.kind === 'sgt') rightly('unmap', n)
    else if (t.kind === 'pin') pin('unpin', n)
    else if (t.kind === 'attach') body.push(run(call('dma_buf_detach', nameOf(bufOf(n)), nameOf(n))))
    else if (t.handedOver !== true && !publishes) body.push(run(call('dma_buf_put', nameOf(n))))
  }

  const made = body.some(
    (s) => s.kind === 'assign' && s.value.kind === 'call' && s.value.name === 'dma_buf_export',
  )
  const own: Declaration[] = made
    ? [
        { kind: 'device', name: 'gpu' },
        { kind: 'bo', name: 'B', call: call('gpu', num(1), id('system')) },
        { kind: 'dma_buf', name: 'D', call: call('dma_buf_export', id('B'), id('unexported')) },
      ]
    : exported
      ? [{ kind: 'dma_buf', name: 'D', call: call('heap', num(1), id('unpublished')) }]
      : [
          ...(exporter === 'gpu' ? [{ kind: 'device', name: 'gpu' }] : []),
          { kind: 'device', name: 'dev' },
          {
            kind: 'dma_buf',
            name: 'D',
            call: exporter === 'gpu' ? call('gpu', num(1), id('system')) : call('heap', num(1)),
          },
        ]
  const attaches = exported && things.some((t) => t.kind === 'attach')
  const init: Declaration[] = [
    ...own,
    ...(attaches ? [{ kind: 'device', name: 'dev' }] : []),
    { kind: 'mm', name: 'A' },
  ]
  const procs: Proc[] = exported
    ? [
        thread('P0', 'A', body, 'the exporter'),
        thread('P1', 'A', [run(call('close', num(3)))], 'another thread, which guesses the descriptor'),
      ]
    : [
        {
          name: 'P0',
          context: { kind: 'device', name: 'dev' },
          daemon: false,
          body,
          comment: 'the importer',
        },
        thread('P1', 'A', [run(call('close', id('D')))], 'the process that passed the descriptor'),
      ]
  if (dynamic) {
    init.push({ kind: 'sgt', name: 'mr.sgt' })
    procs.push({
      name: 'P2',
      context: { kind: 'device', name: 'gpu' },
      daemon: false,
      body: [run(call('bo_move', id('D'), id('system')))],
      comment: 'the exporter, which moves its memory',
    })
    for (const [n, t] of things.entries()) {
      if (t.dynamic === undefined) continue
      const callback = t.dynamic === 'none' ? 'NULL' : 'move_notify'
      init.push({
        kind: 'attachment',
        name: names[n]!,
        call: call('dma_buf_dynamic_attach', id('D'), id('dev'), id(callback), id('unattached')),
      })
      if (t.dynamic === 'none') continue
      const first = plan.steps.find((s) => s.do === 'map')
      const dir = dirOf(first?.do === 'map' ? first.dir : undefined)
      const dropped = branch(id('mr.sgt'), [
        run(call('dma_buf_unmap_attachment', nameOf(n), id('mr.sgt'), id(dir))),
        set('mr.sgt', id('NULL')),
      ])
      if (t.dynamic === 'ignores') init.push({ kind: 'int', name: 'told' })
      procs.push({
        name: 'move_notify',
        context: { kind: 'attachment', name: names[n]! },
        daemon: false,
        body: t.dynamic === 'drops' ? [dropped] : [set('told', num(1))],
      })
    }
  }
  const reached =
    exported && !made ? binary('==', inEnd('P0', 'fd'), num(3)) : binary('==', inEnd('P0', 'r0'), num(0))
  return testOf(name, init, procs, reached)
}

/** Directions as the code says them; one that it keeps in a variable stands for any, the same wherever it is the same variable. */
function directions(plan: Plan): ReadonlyMap<string, string> {
  const said = new Map<string, string>()
  for (const s of plan.steps)
    if ('n' in s && s.dir !== undefined)
      said.set(s.dir, /^DMA_(TO_DEVICE|FROM_DEVICE|BIDIRECTIONAL)$/.test(s.dir) ? s.dir : 'DMA_FROM_DEVICE')
  return said
}

function nameThings(plan: Plan): string[] {
  const base = { buf: 'buf', attach: 'attach', sgt: 'sgt', pin: 'pin' } as const
  const count = new Map<string, number>()
  return plan.things.map((t) => {
    const n = count.get(t.kind) ?? 0
    count.set(t.kind, n + 1)
    return n === 0 ? base[t.kind] : `${base[t.kind]}${n}`
  })
}
