import type { CheckResult, Choose, Model } from './model.ts'

/** What two searches of one model must agree on. Lengths are those of shortest witnesses. */
export type Findings = {
  readonly states: number
  readonly edges: number
  readonly depth: number
  readonly violations: readonly { readonly code: string; readonly length: number }[]
  readonly deadlock: number | undefined
  readonly outcomes: readonly { readonly text: string; readonly states: number; readonly length: number }[]
}

/**
 * A second, naive search for tests: states are texts in a `Map`, the rows that the model steps on are plain objects,
 * and there is no store, no packing, no canonical form, no odometer. `rows` are those that the model was built with
 * (`layout.openPlain()`). Slow, and without bounds.
 */
export function reference(model: Model, rows: object): Findings {
  const cells = model.layout.shapes.flatMap((table) =>
    rowList(table.count, table.dims, rowsOf(rows, table.name)),
  )
  const save = (): string => JSON.stringify(cells)
  const load = (text: string): void => {
    ;(JSON.parse(text) as Record<string, unknown>[]).forEach((from, i) => {
      const to = cells[i]!
      for (const col of Object.keys(to)) to[col] = from[col]
    })
  }
  const violations = new Map<string, number>()
  const found = (length: number) => (v: { code: string }) =>
    violations.has(v.code) ? undefined : void violations.set(v.code, length)

  model.init()
  const depthOf = new Map([[save(), 0]])
  model.check?.(found(0))
  let edges = 0
  let deadlock: number | undefined
  const outcomes = new Map<string, { states: number; length: number }>()
  for (const [text, depth] of depthOf) {
    let canMove = false
    let allEnded = true
    model.actors.forEach((actor, a) => {
      const results = new Set<string>()
      const waiting: number[][] = [[]]
      for (let answers = waiting.shift(); answers !== undefined; answers = waiting.shift()) {
        const given = answers
        let asked = 0
        const choose: Choose = (n) => {
          const at = asked++
          if (at < given.length) return given[at]!
          for (let other = 1; other < n; other++) waiting.push([...given, other])
          given.push(0)
          return 0
        }
        load(text)
        const raised: { code: string }[] = []
        const went = model.step(a, choose, (v) => void raised.push(v))
        if (went !== 'blocked') raised.forEach(found(depth + 1))
        results.add(went)
        if (went !== 'moved') continue
        edges++
        const after = save()
        if (after !== text) canMove = true
        if (depthOf.has(after)) continue
        depthOf.set(after, depth + 1)
        model.check?.(found(depth + 1))
      }
      if (!results.has('ended') && actor.daemon !== true) allEnded = false
    })
    if (allEnded && model.observe) {
      load(text)
      const shown = model.observe()
      const seen = outcomes.get(shown)
      if (seen) seen.states++
      else outcomes.set(shown, { states: 1, length: depth })
    }
    if (!allEnded && !canMove) deadlock ??= depth
  }
  return {
    states: depthOf.size,
    edges,
    depth: Math.max(...depthOf.values()),
    violations: [...violations].map(([code, length]) => ({ code, length })).sort(by((v) => v.code)),
    deadlock,
    outcomes: [...outcomes].map(([text, o]) => ({ text, ...o })).sort(by((o) => o.text)),
  }
}

/** What the checker found, in the same form. */
export function findings(result: CheckResult): Findings {
  return {
    states: result.states,
    edges: result.edges,
    depth: result.depth,
    violations: result.violations
      .map(({ code, trace }) => ({ code, length: trace.steps.length }))
      .sort(by((v) => v.code)),
    deadlock: result.deadlock?.steps.length,
    outcomes: result.outcomes.map(({ text, states, trace }) => ({
      text,
      states,
      length: trace.steps.length,
    })),
  }
}

const by =
  <T>(key: (of: T) => string) =>
  (a: T, b: T): number =>
    key(a) < key(b) ? -1 : 1

type Find = (...ids: number[]) => Record<string, unknown>
const rowsOf = (rows: object, table: string): Find => (rows as Record<string, Find>)[table]!

function rowList(count: number, dims: readonly number[], find: Find): Record<string, unknown>[] {
  let ids: number[][] = [[]]
  for (const size of dims) ids = ids.flatMap((i) => Array.from({ length: size }, (_, n) => [...i, n]))
  return count === 0 ? [] : ids.map((i) => find(...i))
}
