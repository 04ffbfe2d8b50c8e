/** What is done to pages, and what is asked about them, by calls of the core; the rest is looked into (`given.ts`). */

import type { Call } from '../../source/index.ts'
import { sign } from '../ways/facts.ts'
import { isLocal, nothing, one, pointee, rootOf } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'
import { givenTo } from './given.ts'
import { freed, keepsPages, reached } from './kept.ts'
import { ofMemory } from './memory.ts'
import { givenBack } from './release.ts'
import type { Out, State } from './state.ts'
import { around, type Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'
import * as words from './words.ts'

const { minus, zero, plus } = sign

/** What a call does that takes no pages. */
export function called(
  w: HoldingWalk,
  e: Call,
  name: string | undefined,
  args: readonly Val[],
  s: State,
): readonly Out[] {
  const from = args.find((a): a is Val & { hold: number } => a.hold !== undefined)
  const iterator = name === undefined ? undefined : ofIterator(name, args, s)
  if (iterator !== undefined) return iterator
  const counted = args.find((a) => a.got !== undefined && inBytes(a.got, s))
  if (counted !== undefined && name !== undefined && (words.pure.test(name) || words.keepsValue.test(name)))
    return [{ s, v: { sym: clip(`${name}(${args.map((a) => a.sym).join()})`), got: counted.got! } }]
  const fresh = (): Val =>
    name !== undefined && words.pure.test(name)
      ? {
          sym: clip(`${name}(${args.map((a) => a.sym).join()})`),
          ...(from !== undefined &&
            words.keepsValue.test(name) && { hold: from.hold, form: 'page', element: true }),
        }
      : { sym: `${name ?? 'call'}@${e.start}#`, ref: `*${name ?? 'call'}@${e.start}` }
  const plain = (): Out[] => [{ s, v: fresh() }]
  if (name === undefined) return givenTo(w, e, 'a function pointer', args, s)
  if (locking(w, e, name, s)) return plain()
  if (words.atomicTaken.test(name)) {
    s.atomic = [...s.atomic, name]
    return plain()
  }
  if (words.atomicDropped.test(name)) {
    s.atomic = s.atomic.slice(0, -1)
    return plain()
  }
  if (words.containerOf.test(name) && args[0] !== undefined && e.args[2] !== undefined)
    return [{ s, v: args[0].hold === undefined ? around(args[0], w.ways.text(e.args[2])) : fresh() }]
  const error = ofError(name, args, s, plain)
  if (error !== undefined) return error
  const release = words.releases.get(name)
  if (release !== undefined) return givenBack(w, e, name, release, args, s)
  const takes = words.takesOver.get(name)
  if (takes !== undefined) {
    for (const h of reached(args.slice(takes, takes + 1), s)) {
      const { left, site, wrong } = s.holds.get(h)!
      if (left === 'nothing') continue
      if (site.api.takes === 'get') {
        s.change(h, { left: 'nothing', releasedBy: name })
        s.say({ do: 'release', hold: h, api: name, as: 'get', many: 'got', at: w.ways.place(e) })
      } else s.change(h, { unclear: wrong ?? `it is given to ${name}(), which drops a reference in the end` })
    }
    return plain()
  }
  if (words.addsReference.test(name)) {
    const id = args[0]?.hold
    if (id !== undefined) s.change(id, { extra: (s.holds.get(id)!.extra ?? 0) + 1 })
    return words.addsReference.exec(name)![1] === undefined ? plain() : [{ s, v: one }]
  }
  if (words.allocates.test(name)) {
    const zeroed = /zalloc|calloc|zeroed/.test(name) ? 'z' : ''
    let sym = `new@${e.start}${zeroed}`
    // What was allocated there the last time still holds pages: this is another.
    for (let n = 1; n < 4 && keepsPages(sym, s); n++) sym = `new@${e.start}_${n}${zeroed}`
    const none = s.fork()
    if (none.live) none.say({ do: 'decide', at: w.ways.place(e), text: `${name}() fails` })
    s.signs.set(`${sym}#`, plus)
    return [
      { s, v: { sym: `${sym}#`, ref: sym } },
      { s: none, v: nothing },
    ]
  }
  if (words.frees.test(name)) {
    const gone = args[words.freesAt.get(name) ?? 0]
    return gone?.ref === undefined ? plain() : [{ s: freed(s, gone.ref), v: nothing }]
  }
  if (words.alias.test(name)) {
    const v = args[0]
    const hold =
      v?.hold ??
      (v?.ref === undefined ? undefined : (s.env.get(v.ref)?.hold ?? s.env.get(`${v.ref}.sgl`)?.hold))
    if (hold === undefined) return plain()
    const sym = `${name}(${v!.sym})`
    const none = words.mayFail.test(name) && s.live ? s.fork() : undefined
    none?.say({ do: 'decide', at: w.ways.place(e), text: `${name}() fails` })
    s.signs.set(sym, plus)
    if (words.toNumber.test(name)) s.change(hold, { numbered: true })
    return [
      {
        s,
        v: {
          sym,
          hold,
          form: words.toMemory.test(name) ? 'memory' : words.toNumber.test(name) ? 'number' : 'page',
          ...(v!.element === true && { element: true }),
          ...(v!.every === true && { every: true }),
        },
      },
      ...(none === undefined ? [] : [{ s: none, v: nothing }]),
    ]
  }
  const memory = ofMemory(w, e, name, args, s, plain)
  if (memory !== undefined) return memory
  if (
    words.asks.test(name) ||
    words.harmless.test(name) ||
    (words.pure.test(name) && !words.keepsValue.test(name))
  )
    return plain()
  if (words.keepsValue.test(name)) return plain()
  if (words.publishes.test(name)) {
    for (const a of args) if (a.ref !== undefined && !isLocal(rootOf(a.ref))) s.published.add(rootOf(a.ref))
    // A page by itself in a list, an array, a tree: which of them is taken out again is not followed.
    for (const a of args)
      if (a.hold !== undefined && a.form !== 'memory' && s.holds.get(a.hold)!.left !== 'nothing')
        s.change(a.hold, {
          unclear: s.holds.get(a.hold)!.unclear ?? `it is put where others find it by ${name}()`,
        })
    return plain()
  }
  return givenTo(w, e, name, args, s)
}

/** What is asked of an iterator, or said of it: whether it is over memory of a process or of the kernel. */
function ofIterator(name: string, args: readonly Val[], s: State): readonly Out[] | undefined {
  if (/^(iov_iter_extract_will_pin|user_backed_iter)$/.test(name))
    return [{ s, v: { sym: `user(${args[0]?.sym ?? ''})` } }]
  if (/^iov_iter_is_(kvec|bvec|xarray|folioq|discard)$/.test(name)) {
    // One over the kernel's memory is not over a user's.
    const user = `user(${args[0]?.sym ?? ''})`
    if (s.signs.get(user) === plus) return [{ s, v: nothing }]
    const kernel = s.fork()
    kernel.signs.set(user, zero)
    return [
      { s, v: nothing },
      { s: kernel, v: one },
    ]
  }
  if (words.overKernel.test(name) && args[0] !== undefined) {
    s.signs.set(`user(${args[0].sym})`, zero)
    // It is over these from now on, whoever they came from.
    if (args[2] !== undefined && reached(args.slice(2, 3), s).length > 0)
      s.env.set(`${pointee(args[0])}.over`, args[2])
    return [{ s, v: nothing }]
  }
  if (words.overUser.test(name)) {
    const iter =
      args[name === 'import_iovec' ? 5 : name === 'import_single_range' ? 4 : name === 'import_ubuf' ? 3 : 0]
    if (iter !== undefined) s.signs.set(`user(${iter.sym})`, plus)
  }
  return undefined
}

/** Whether a pointer is an error, and which. */
function ofError(
  name: string,
  args: readonly Val[],
  s: State,
  plain: () => Out[],
): readonly Out[] | undefined {
  if (/^is_error_\w*pfn$/.test(name) && args[0]?.hold !== undefined) return [{ s, v: nothing }]
  // What was got has a struct page.
  if (words.hasPage.test(name) && args[0]?.hold !== undefined) return [{ s, v: one }]
  if (/^IS_ERR(_OR_NULL)?$/.test(name)) {
    const v = args[0]
    if (v?.sym.startsWith('ERR_PTR(') === true) return [{ s, v: one }]
    if (v?.hold !== undefined || v?.ref?.startsWith('new@') === true) return [{ s, v: nothing }]
    if (v?.sym.endsWith('#err') === true || (v?.num === 0 && name === 'IS_ERR_OR_NULL'))
      return [{ s, v: one }]
    return plain()
  }
  if (name === 'PTR_ERR' && args[0] !== undefined) {
    const v: Val = { sym: `PTR_ERR(${args[0].sym})` }
    s.signs.set(v.sym, minus)
    return [{ s, v }]
  }
  return undefined
}

function inBytes(id: number, s: State): boolean {
  return s.holds.get(id)?.site.api.result === 'bytes'
}

/** mmap_lock, taken, dropped or asserted. */
function locking(w: HoldingWalk, e: Call, name: string, s: State): boolean {
  const mmap =
    name.startsWith('mmap_') ||
    /mmap_(sem|lock)\b/.test(e.args[0] === undefined ? '' : w.ways.text(e.args[0]))
  if (!mmap) return false
  if (words.asserted.test(name)) {
    if (s.locked === 'unseen') s.locked = 'asserted'
    return true
  }
  if (words.lockTaken.test(name)) {
    s.locked = 'taken'
    s.say({ do: 'lock', write: name.includes('write'), at: w.ways.place(e) })
    return true
  }
  if (words.lockDropped.test(name)) {
    if (s.locked === 'taken') s.say({ do: 'unlock', write: name.includes('write'), at: w.ways.place(e) })
    s.locked = 'unseen'
    return true
  }
  return false
}
