import type { CType } from '../../source/index.ts'
import type { Out as WayOut } from '../ways/subject.ts'
import { isField, type State, unknown, type Value } from './state.ts'

export type Out = WayOut<State, Value>

export const isNumber = (t: CType | undefined): boolean =>
  t !== undefined && t.pointer === 0 && !t.array && !t.function && !/^(struct|union) /.test(t.base)
export const withoutInt = (v: Value): Value => {
  if (v.int === undefined) return v
  const { int: _, ...rest } = v
  return rest
}
/** Arithmetic leaves what it is about, but it is no longer the very same number. */
export const moved = (v: Value): Value =>
  v.of === undefined ? withoutInt(v) : { ...withoutInt(v), moved: true }
export const comparable = (v: Value): boolean => v.moved !== true && v.form !== 'page'

export const derived = (args: readonly Value[]): Value => {
  const first = args.find((a) => a.of !== undefined)
  return first === undefined ? unknown : withoutInt(first)
}

/** What is not known to point elsewhere points to its own object. */
export function readAt(state: State, loc: string): Value {
  const v = state.env.get(loc)
  return v === undefined
    ? { to: `*(${loc})` }
    : v.to === undefined && v.int !== 'zero'
      ? { to: `*(${loc})`, ...v }
      : v
}

/** The value itself, or something inside the object that it points to. */
export function taintOf({ s, v }: Out): number | undefined {
  return v.of ?? objectTaint(v, s)
}
export function objectTaint(value: Value | undefined, state: State): number | undefined {
  return value?.to === undefined ? undefined : state.tainted(value.to)[0]?.[1].of
}

export function copyFields(state: State, from: string, to: string): State {
  let s = state
  for (const [loc, v] of state.env) if (isField(loc, from)) s = s.withValue(to + loc.slice(from.length), v)
  return s
}

export function countLookups(state: State): number {
  let n = 0
  for (let t: typeof state.trail | undefined = state.trail; t?.event !== undefined; t = t.before)
    if (t.event.kind === 'lookup') n++
  return n
}

export function lastGiven(state: State): number | undefined {
  for (let t: typeof state.trail | undefined = state.trail; t?.event !== undefined; t = t.before)
    if (t.event.kind === 'device') return t.event.value
  return undefined
}

export const valueText = (v: Value): string =>
  `${v.of ?? ''}${v.form ?? ''}${v.to ?? ''}${v.int ?? ''}${v.vma ?? ''}${v.seq ?? ''}`
