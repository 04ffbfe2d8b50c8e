import type { Expr, Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { liveness } from '../ways/live.ts'
import { textIn } from '../ways/ways.ts'
import { interesting, locks, transparent } from './words.ts'

export type About = {
  /** Names that conditions and returns ask about, and those that are asked about more than once. */
  readonly asked: ReadonlySet<string>
  readonly again: ReadonlySet<string>
  readonly repeated: ReadonlySet<string>
  /** Per node: locals that are read from there on, and conditions that are asked. */
  readonly live: readonly ReadonlySet<string>[]
  /** Whether walking into it can change what is known although it is given nothing: it locks, looks up, asks the notifier. */
  readonly touches: boolean
}

/** What is known of a function before it is walked. */
export function aboutOf(func: Func, code: Code): About {
  let about = known.get(func)
  if (about === undefined) {
    const asked = new Set<string>()
    const again = new Set<string>()
    const count = new Map<string, number>()
    const add = (e: Expr): void => {
      for (const name of new Set(textIn(func, e).match(/\b[A-Za-z_]\w*/g))) {
        if (asked.has(name)) again.add(name)
        asked.add(name)
      }
    }
    for (const node of code.graph(func).nodes) {
      if (node.kind === 'test') {
        add(node.cond)
        for (const c of conjuncts(node.cond)) {
          const t = textIn(func, stripped(c))
          count.set(t, (count.get(t) ?? 0) + 1)
        }
      } else if (node.kind === 'switch') add(node.on)
      else if (node.kind === 'return' && node.value !== undefined) add(node.value)
      else if (node.kind === 'eval' || node.kind === 'local') {
        const e = node.kind === 'eval' ? node.expr : node.local.init
        if (e !== undefined && /\?/.test(textIn(func, e))) add(e)
      }
    }
    const repeated = new Set([...count].filter(([, n]) => n > 1).map(([t]) => t))
    const live = liveness(func, code.graph(func), (e) =>
      conjuncts(e)
        .map((c) => textIn(func, stripped(c)))
        .filter((t) => repeated.has(t)),
    )
    const text = func.file.source.text.slice(func.start, func.end)
    const touches = interesting.test(text) || (text.length < 400 && locks.test(text))
    about = { asked, again, repeated, live, touches }
    known.set(func, about)
  }
  return about
}
const known = new WeakMap<Func, About>()

export function stripped(e: Expr): Expr {
  if (e.kind === 'cast') return stripped(e.of)
  if (e.kind === 'unary' && e.op === '!') return stripped(e.of)
  if (
    e.kind === 'call' &&
    e.callee.kind === 'name' &&
    transparent.test(e.callee.name) &&
    e.args[0] !== undefined
  )
    return stripped(e.args[0])
  return e
}

function conjuncts(e: Expr): Expr[] {
  const s = stripped(e)
  return s.kind === 'binary' && (s.op === '&&' || s.op === '||')
    ? [...conjuncts(s.left), ...conjuncts(s.right)]
    : [s]
}
