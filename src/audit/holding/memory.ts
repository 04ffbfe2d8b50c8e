/** What is done to the memory of pages: it is written, by the CPU or a device, marked dirty, mapped, copied, moved. */

import type { Call, Expr } from '../../source/index.ts'
import { sign } from '../ways/facts.ts'
import { nothing, one, pointee, within } from '../ways/symbols.ts'
import { clip } from '../ways/ways.ts'
import { keepsAll, reached } from './kept.ts'
import type { Out, State } from './state.ts'
import type { Val } from './value.ts'
import type { HoldingWalk } from './walk.ts'
import * as words from './words.ts'

const { plus } = sign

/** What a call of the core does to it. Undefined: it is no such call. */
export function ofMemory(
  w: HoldingWalk,
  e: Call,
  name: string,
  args: readonly Val[],
  s: State,
  plain: () => Out[],
): readonly Out[] | undefined {
  if (words.dirties.test(name)) {
    for (const h of reached(args, s)) {
      const atomic = words.dirtiesLocked.test(name) ? s.atomic.at(-1) : undefined
      s.change(h, {
        dirtied: true,
        ...(atomic !== undefined && { wrong: s.holds.get(h)!.wrong ?? 'sleeping-release' }),
      })
      s.say({
        do: 'dirty',
        hold: h,
        at: w.ways.place(e),
        text: `${name}()`,
        ...(atomic !== undefined && { atomic }),
      })
    }
    return plain()
  }
  const map = words.maps.get(name)
  if (map !== undefined) {
    // `PCI_DMA_TODEVICE` is the older name of the same number.
    const dir = args[map.direction]?.sym.replace(/^PCI_/, '').replace(/(TO|FROM)DEVICE$/, '$1_DEVICE')
    const holds = reached(args.slice(map.arg, map.arg + 1), s)
    const written = dir === 'DMA_FROM_DEVICE' || dir === 'DMA_BIDIRECTIONAL'
    const failed = written && holds.length > 0 && map.fails !== undefined ? s.fork() : undefined
    for (const h of holds) {
      if (written) wrote(w, s, h, 'device', e, dir)
      else if (dir !== 'DMA_TO_DEVICE') s.change(h, { handed: s.holds.get(h)!.handed ?? name })
    }
    if (failed === undefined) return plain()
    // What was not mapped no device has written.
    if (map.fails === 'error')
      return [
        { s, v: nothing },
        { s: failed, v: { sym: '-EIO', num: -5 } },
      ]
    const v = { sym: `${name}@${e.start}` }
    s.signs.set(v.sym, plus)
    return [
      { s, v },
      { s: failed, v: nothing },
    ]
  }
  const queue = words.queues.get(name)
  if (queue !== undefined) {
    if (queue.in === undefined || args[queue.in]?.num !== 0)
      for (const h of reached(args.slice(1, 2), s)) wrote(w, s, h, 'device', e)
    return plain()
  }
  const move = words.moves.get(name)
  if (move !== undefined) {
    const [hold] = reached(args.slice(move.from, move.from + 1), s)
    const to = args[move.to]
    if (hold === undefined) return plain()
    // A table that there was no memory for has none of them.
    const failed = name.startsWith('sg_alloc') ? s.fork() : undefined
    failed?.say({ do: 'decide', at: w.ways.place(e), text: `${name}() fails` })
    const sgl = name.startsWith('bvec') ? 'bv_page' : name.includes('append_table') ? 'sgt.sgl' : 'sgl'
    if (to !== undefined) s.env.set(`${pointee(to)}.${sgl}`, { sym: `page#${hold}`, hold, form: 'page' })
    if (words.movesOne.test(name)) s.change(hold, { spread: true })
    if (failed === undefined) return plain()
    return [
      { s, v: nothing },
      { s: failed, v: { sym: '-ENOMEM', num: -12 } },
    ]
  }
  if (words.writesSecond.test(name)) {
    if (args[1]?.hold !== undefined) wrote(w, s, args[1].hold, 'cpu', e)
    return plain()
  }
  if (name === 'dma_mapping_error' && s.events.some((x) => x.do === 'write' && x.by === 'device')) {
    // It could not be mapped: then nothing was written.
    const last = s.events.findLast((x) => x.do === 'write' && x.by === 'device')!
    const failed = s.fork()
    failed.events = failed.events.filter((x) => x !== last)
    if (last.do === 'write')
      failed.change(last.hold, {
        written: failed.events.some((x) => x.do === 'write' && x.hold === last.hold),
      })
    const at = w.ways.place(e)
    s.say({ do: 'decide', at, text: 'it is mapped for the device' })
    failed.say({ do: 'decide', at, text: 'it cannot be mapped for the device' })
    return [
      { s, v: nothing },
      { s: failed, v: one },
    ]
  }
  if (words.writes.test(name)) {
    const v = args[0]
    if (v?.hold !== undefined) wrote(w, s, v.hold, 'cpu', e)
    // Pages that are copied from one array to another.
    if (/^memcpy$|^memmove$/.test(name) && args[0] !== undefined && args[0].hold === undefined) {
      const from = args[1]?.hold === undefined ? args[1]?.ref : undefined
      const copies = from === undefined ? [] : [...s.env].filter(([k]) => k === from || within(k, from))
      if (copies.some(([, c]) => c.hold !== undefined)) {
        for (const [k, c] of copies)
          if (c.hold !== undefined) s.env.set(clip(`${pointee(args[0])}${k.slice(from!.length)}`), c)
        keepsAll(w, s, e.args[0]!, copies)
        return plain()
      }
    }
    for (const h of reached(args.slice(1, 2), s))
      if ((args[1]?.hold === undefined || name === 'WRITE_ONCE') && s.holds.get(h)!.left !== 'nothing')
        s.change(h, { unclear: s.holds.get(h)!.unclear ?? `it is copied by ${name}()` })
    return plain()
  }
  return undefined
}

/** Who writes to pages that are held: what needs a pin, FOLL_WRITE, and the dirty mark. */
export function wrote(w: HoldingWalk, s: State, hold: number, by: 'cpu' | 'device', e: Expr, dir = ''): void {
  s.change(hold, { written: true })
  const text = w.ways.text(e)
  s.say({ do: 'write', hold, by, at: w.ways.place(e), text: text.includes(dir) ? text : `${text}: ${dir}` })
}
