import type { Func } from '../../source/index.ts'
import { State } from './state.ts'
import { thing } from './value.ts'

/** What another function finds: the things, and what fields were given. Parameters that are things are these. */
export function seeded(s: State, func: Func, left: readonly number[]): State {
  const t = new State()
  t.things = s.things
  t.events = s.events
  t.trail = s.trail
  t.fields = s.fields.fork()
  t.say({ do: 'later', at: { file: func.file.path, line: func.line, func: func.name } })
  for (const p of func.params) {
    if (p.type.pointer !== 1) continue
    const kind = { 'struct dma_buf': 'buf', 'struct dma_buf_attachment': 'attach', 'struct sg_table': 'sgt' }[
      p.type.base
    ]
    if (kind === undefined) continue
    const all = t.things.flatMap((x, i) => (x.kind === kind && (left.includes(i) || x.live) ? [i] : []))
    if (all.length === 1) t.env.set(`0:${p.name}`, thing(all[0]!))
  }
  return t
}
