import type { Call, Expr } from '../../source/index.ts'
import { sign } from '../ways/facts.ts'
import { nothing, pointee } from '../ways/symbols.ts'
import { fieldKey, typeOf } from '../ways/types.ts'
import { clip } from '../ways/ways.ts'
import type { Api } from './api.ts'
import type { Event } from './event.ts'
import type { State } from './state.ts'
import { thing, type Val } from './value.ts'
import type { Out, ThingWalk } from './walk.ts'
import * as words from './words.ts'

/** What a call of a protocol's table does. */
export function applied(w: ThingWalk, e: Call, api: Api, args: readonly Val[], s: State): readonly Out[] {
  const { role, name } = api
  const done: Out[] = [{ s, v: nothing }]
  const site = { func: w.ways.frame.func, call: e, api }
  const failed = (): Out => ({ s: w.failed(e, name, s), v: { sym: `err@${e.start}`, err: true } })
  switch (role.does) {
    case 'get':
    case 'export': {
      const fail = failed()
      const id = s.add({ kind: 'buf', site, refs: 1, live: true })
      say(w, s, e, { do: 'get', thing: id, api: name })
      return [{ s, v: thing(id) }, fail]
    }
    case 'publish': {
      const id = w.thing(args[role.arg], 'buf', s)
      const fail = w.failedBy(e, name, `${name}@${e.start}-`, s)
      if (id !== undefined) {
        s.change(id, { refs: s.things[id]!.refs - 1, published: site })
        say(w, s, e, { do: 'publish', thing: id })
      }
      if (!role.fails) return done
      const v: Val = { sym: `${name}@${e.start}` }
      s.signs.set(v.sym, sign.zero | sign.plus)
      return [{ s, v }, fail]
    }
    case 'ref': {
      const id = w.thing(args[0], 'buf', s)
      if (id === undefined) return done
      s.change(id, { refs: s.things[id]!.refs + 1 })
      say(w, s, e, { do: 'ref', thing: id, api: name })
      return done
    }
    case 'put': {
      const id = w.thing(args[0], 'buf', s)
      if (id === undefined) return done
      s.change(id, { refs: s.things[id]!.refs - 1 })
      say(w, s, e, { do: 'put', thing: id, api: name })
      return done
    }
    case 'attach': {
      const buf = w.thing(args[0], 'buf', s)
      const fail = failed()
      if (buf === undefined) return [fail]
      const id = s.add({ kind: 'attach', site, of: buf, refs: 0, live: true })
      say(w, s, e, { do: 'attach', thing: id, api: name })
      return [{ s, v: thing(id) }, fail]
    }
    case 'detach': {
      const id = w.thing(args[1], 'attach', s)
      if (id === undefined) return done
      s.change(id, { live: false })
      say(w, s, e, { do: 'detach', thing: id, api: name })
      return done
    }
    case 'map': {
      const attach = w.thing(args[0], 'attach', s)
      const fail = failed()
      if (attach === undefined) return [fail]
      const dir = args[1]?.sym ?? '?'
      const id = s.add({ kind: 'sgt', site, of: attach, refs: 0, live: true, dir })
      say(w, s, e, { do: 'map', thing: id, api: name, dir, locked: role.locked })
      return [{ s, v: thing(id) }, fail]
    }
    case 'unmap': {
      const id = w.thing(args[1], 'sgt', s)
      if (id === undefined) return done
      const attach = w.thing(args[0], 'attach', s)
      const { of, site: mapped } = s.things[id]!
      // What somebody else has mapped through it.
      if (attach !== undefined && mapped === undefined && s.things[attach]!.site !== undefined) return done
      if (of === undefined && attach !== undefined) s.change(id, { of: attach })
      s.change(id, { live: false })
      const dir = args[2]?.sym ?? '?'
      say(w, s, e, { do: 'unmap', thing: id, api: name, dir, locked: role.locked })
      return done
    }
    case 'pin': {
      const attach = w.thing(args[0], 'attach', s)
      const fail = w.failedBy(e, name, `${name}@${e.start}`, s)
      if (attach === undefined) return [fail]
      const id = s.add({ kind: 'pin', site, of: attach, refs: 0, live: true })
      say(w, s, e, { do: 'pin', thing: id, api: name, locked: true })
      return [{ s, v: nothing }, fail]
    }
    case 'unpin': {
      const attach = w.thing(args[0], 'attach', s)
      if (attach === undefined) return done
      const pins = s.things.flatMap((t, i) => (t.kind === 'pin' && t.of === attach ? [i] : []))
      let id = pins.findLast((i) => s.things[i]!.live) ?? pins.at(-1)
      if (id === undefined) {
        // What somebody else has pinned through it.
        if (s.things[attach]!.site !== undefined) return done
        id = s.add({ kind: 'pin', of: attach, refs: 0, live: true })
      }
      s.change(id, { live: false })
      say(w, s, e, { do: 'unpin', thing: id, api: name, locked: true })
      return done
    }
    case 'destroy':
      destroy(w, e, name, role, args, s)
      return done
    case 'register': {
      const at = args[role.arg]
      // The core registers itself.
      if (at === undefined || at.num === 0) return done
      const place = pointee(at)
      const key = keyOf(w, e.args[role.arg]!)
      const reg = { kind: 'reg' as const, site, refs: 0, place, ...(key !== undefined && { key }) }
      const fail = s.fork()
      const none = fail.add({ ...reg, live: false })
      const err: Val = { sym: `${name}@${e.start}` }
      fail.signs.set(err.sym, sign.minus)
      say(w, fail, e, { do: 'register', thing: none, api: name, fails: true })
      // Two calls in two arms are two.
      s.trail += `@${e.start},`
      fail.trail += `@${e.start},`
      const id = s.add({ ...reg, live: true })
      const mm: Val = { sym: `${place}.mm`, ref: `*${place}.mm` }
      s.env.set(`${place}.mm`, mm)
      s.signs.set(mm.sym, sign.plus)
      say(w, s, e, { do: 'register', thing: id, api: name })
      return [
        { s, v: nothing },
        { s: fail, v: err },
      ]
    }
    case 'get-notifier': {
      const fail = failed()
      const ref = `mn@${e.start}`
      const id = s.add({ kind: 'reg', site, refs: 0, live: true, place: ref })
      say(w, s, e, { do: 'register', thing: id, api: name })
      return [{ s, v: { sym: `&${ref}`, ref } }, fail]
    }
    case 'make-file': {
      const fops = e.args[role.fops]
      const made = fops?.kind === 'unary' ? fops.of : fops
      const place = args[role.priv]?.ref
      const table = made?.kind === 'name' ? made.name : undefined
      const file = { ...(place !== undefined && { place }), ...(table !== undefined && { fops: table }) }
      const fail = failed()
      const id = s.add({ kind: 'file', site, refs: 1, live: true, ...file })
      if (role.fd !== true) return [{ s, v: thing(id) }, fail]
      s.change(id, { published: site, refs: 0 })
      say(w, s, e, { do: 'publish', thing: id })
      const v: Val = { sym: `${name}@${e.start}` }
      s.signs.set(v.sym, sign.zero | sign.plus)
      const err: Val = { sym: `${v.sym}-` }
      fail.s.signs.set(err.sym, sign.minus)
      return [
        { s, v },
        { s: fail.s, v: err },
      ]
    }
    case 'make-buf': {
      const info = args[0] === undefined ? undefined : pointee(args[0])
      const place = info === undefined ? undefined : s.env.get(`${info}.priv`)?.ref
      const table = opsIn(w)
      const file = { ...(place !== undefined && { place }), ...(table !== undefined && { fops: table }) }
      const fail = failed()
      return [{ s, v: thing(s.add({ kind: 'file', site, refs: 1, live: true, ...file })) }, fail]
    }
    case 'install': {
      const v = args[role.arg]
      if (v === undefined || v.num === 0 || v.err === true) return done
      let id = v.thing ?? s.given.get(v.sym)
      if (id === undefined) {
        const of = ownedBy(w, e.args[role.arg]!, s)
        const place = of?.place ?? v.ref
        const file = { ...(place !== undefined && { place }), ...(of !== undefined && { fops: of.type }) }
        id = s.add({ kind: 'file', refs: 1, live: true, ...file })
        s.given.set(v.sym, id)
      }
      const t = s.things[id]!
      if (t.kind !== 'file') return done
      const fail = role.fails === true ? failed() : undefined
      s.change(id, { published: site, refs: t.refs - 1 })
      say(w, s, e, { do: 'publish', thing: id })
      if (fail === undefined) return done
      const fd: Val = { sym: `${name}@${e.start}` }
      s.signs.set(fd.sym, sign.zero | sign.plus)
      fail.s.signs.set(`${fd.sym}-`, sign.minus)
      return [
        { s, v: fd },
        { s: fail.s, v: { sym: `${fd.sym}-` } },
      ]
    }
    case 'prepare': {
      const [variable] = e.args
      const v = args[role.arg]
      if (variable?.kind !== 'name' || v === undefined || v.err === true) return done
      s.env.set(w.ways.frame.prefix + variable.name, v)
      return done
    }
    case 'get-file':
    case 'put-file': {
      const v = args[role.arg]
      const id = v?.thing ?? (v === undefined ? undefined : s.given.get(v.sym))
      const by = role.does === 'get-file' ? 1 : -1
      if (id !== undefined && s.things[id]!.kind === 'file') {
        s.change(id, { refs: s.things[id]!.refs + by })
        say(w, s, e, { do: by > 0 ? 'ref' : 'put', thing: id, api: name })
      } else if (v !== undefined && by > 0) {
        // One reference that is this path's, and the one that was there.
        const given = { kind: 'file' as const, refs: 2, live: true }
        s.given.set(v.sym, s.add({ ...given, ...(v.ref !== undefined && { place: v.ref }) }))
      }
      return [{ s, v: v ?? nothing }]
    }
    case 'unregister': {
      const at = args[role.arg]
      if (at === undefined) return done
      const place = pointee(at)
      const key = keyOf(w, e.args[role.arg]!)
      const named = { refs: 0, place, ...(key !== undefined && { key }) }
      let id = s.things.findLastIndex((t) => t.kind === 'reg' && t.place === place)
      // In another function it is known by its field.
      if (id < 0 && w.later) id = s.things.findLastIndex((t) => t.kind === 'reg' && sameField(t.key, key))
      if (id < 0) id = s.add({ kind: 'reg', live: true, ...named })
      s.change(id, { live: false, place })
      say(w, s, e, { do: 'unregister', thing: id, api: name })
      return done
    }
  }
}

/** The field that a pointer is made of: `&foo->mn`. */
function keyOf(w: ThingWalk, e: Expr): string | undefined {
  const of = e.kind === 'unary' && e.op === '&' ? e.of : e
  if (of.kind !== 'member') return undefined
  return fieldKey(w.code, w.ways.frame.func, of) ?? `?.${of.field}`
}

/** `exp_info.ops = &ops`, or `.ops = &ops`: the only one that the function names. */
function opsIn(w: ThingWalk): string | undefined {
  const { func } = w.ways.frame
  const named = new Set(
    [...func.file.source.text.slice(func.start, func.end).matchAll(/(?:\.|->)ops\s*=\s*&(\w+)/g)].map(
      (m) => m[1]!,
    ),
  )
  return named.size === 1 ? [...named][0] : undefined
}

/** `sync->file`: the object that goes with its file, by its type. */
function ownedBy(
  w: ThingWalk,
  e: Expr,
  s: State,
): { readonly place: string; readonly type: string } | undefined {
  if (e.kind !== 'member' || !e.arrow || e.field !== 'file') return undefined
  const place = w.ways.eval(e.base, s)[0]?.v.ref
  const type = typeOf(w.code, w.ways.frame.func, e.base)?.base
  return place === undefined || type === undefined || !words.withFile.has(type) ? undefined : { place, type }
}

/** What the DRM core does to give an imported object back. */
function destroy(
  w: ThingWalk,
  e: Call,
  name: string,
  role: { readonly base?: string; readonly table?: string },
  args: readonly Val[],
  s: State,
): void {
  if (args[0] === undefined) return
  const object = clip(`${pointee(args[0])}${role.base === undefined ? '' : `.${role.base}`}`)
  const at = clip(`${object}.import_attach`)
  const v = s.env.get(at) ?? s.fields.get(importAttach)
  if (v?.num === 0) return
  const id = w.thing(v ?? { sym: at, ref: `*${at}` }, 'attach', s)
  if (id === undefined) return
  const kept = role.table === undefined ? undefined : clip(`${pointee(args[0])}.${role.table}`)
  const table =
    kept === undefined ? args[1] : (s.env.get(kept) ?? s.fields.get(`drm_gem_shmem_object.${role.table!}`))
  const sgt = table?.num === 0 ? undefined : w.thing(table, 'sgt', s)
  if (sgt !== undefined && (s.things[sgt]!.site !== undefined || s.things[id]!.site === undefined)) {
    if (s.things[sgt]!.of === undefined) s.change(sgt, { of: id })
    s.change(sgt, { live: false })
    say(w, s, e, { do: 'unmap', thing: sgt, api: name, dir: 'DMA_BIDIRECTIONAL', locked: false })
  }
  const buf = s.bufOf(id)
  s.change(id, { live: false })
  say(w, s, e, { do: 'detach', thing: id, api: name })
  s.change(buf, { refs: s.things[buf]!.refs - 1 })
  say(w, s, e, { do: 'put', thing: buf, api: name })
}

/** An event, and its text as it stands. */
export function say(w: ThingWalk, s: State, e: Call, what: EventBody): void {
  s.say({ ...what, at: w.place(e), text: w.ways.text(e) } as Event)
}
type EventBody = Event extends infer E ? (E extends Event ? Omit<E, 'at' | 'text'> : never) : never

const importAttach = 'drm_gem_object.import_attach'

/** Whether two names of fields may be the same: `?.mn` is one of which the struct is not seen. */
export function sameField(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false
  const last = (k: string): string => k.slice(k.lastIndexOf('.') + 1)
  return a === b || ((a.startsWith('?') || b.startsWith('?')) && last(a) === last(b))
}
