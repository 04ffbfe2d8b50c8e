import { op, T, type Tokens } from './lex.ts'

/**
 * Decides what becomes of each #if … #endif. An arm that is whole statements (or whole declarations) stays, between
 * markers, so that the parser makes alternatives of them. An arm that is a piece of something (half an expression, an
 * unclosed brace) cannot: the first live arm is read and the others are dropped and counted. In the braces of an
 * initialiser or an enum all arms that end in a comma are read one after the other. `#if 0` is not read.
 */
export type Resolved = {
  readonly tokens: Tokens
  /** Positions in `tokens`, markers of kept groups among them. */
  readonly at: Int32Array
  readonly count: number
  /** For a bracket, the index (in `at`) of its partner; -1 for one without. */
  readonly match: Int32Array
  /** Index in `at` after the marker's group, for `T.if`; the next marker of the group for `T.if` and `T.else`. */
  readonly next: Int32Array
  /** Start offsets of groups of which only one arm is read. */
  readonly dropped: readonly number[]
}

const OPEN = op('{')
const CLOSE = op('}')
const PAREN = op('(')
const UNPAREN = op(')')
const BRACKET = op('[')
const UNBRACKET = op(']')
const SEMI = op(';')
const COLON = op(':')
const COMMA = op(',')

type Arm = { condition: number; items: number[]; marks: number }

export function resolveArms(tokens: Tokens): Resolved {
  const { kind, code, start, end, text, conditions } = tokens
  const dropped: number[] = []

  const isDead = (c: number): boolean =>
    /^\(?\s*0\s*\)?$|^defined ?\(? ?__cplusplus|^__cplusplus$/.test(conditions[c]!)
  const isTrue = (c: number): boolean => /^1$|^!__cplusplus$/.test(conditions[c]!)

  /** What kind of bracket is open at the end of `out`, looking at most a little way back. */
  const innermost = (out: readonly number[]): number => {
    let depth = 0
    for (let k = out.length - 1, steps = 0; k >= 0 && steps < 4000; k--, steps++) {
      const t = out[k]!
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === CLOSE || c === UNPAREN || c === UNBRACKET) depth++
      else if (c === OPEN || c === PAREN || c === BRACKET) {
        if (depth === 0) return c
        depth--
      }
    }
    return OPEN
  }

  const isElse = (t: number): boolean => kind[t] === T.ident && text.slice(start[t]!, end[t]!) === 'else'

  const mayStart = (t: number | undefined): boolean => {
    if (t === undefined) return true
    if (kind[t] === T.punct) {
      const c = code[t]!
      return c === SEMI || c === OPEN || c === CLOSE || c === COLON || c === UNPAREN
    }
    if (kind[t] === T.ident) return isElse(t) || text.slice(start[t]!, end[t]!) === 'do'
    return kind[t] === T.endif || kind[t] === T.if || kind[t] === T.else
  }

  const real = (items: readonly number[]): number[] => items.filter((t) => kind[t]! < T.if)

  /** Brackets closed within, statements whole: it can stand alone. A macro used at file scope needs no `;`. */
  const isWhole = (items: readonly number[], atTop: boolean): boolean => {
    const own = real(items)
    if (own.length === 0) return true
    if (isElse(own[0]!)) return false
    let braces = 0
    let parens = 0
    for (const t of own) {
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === OPEN) braces++
      else if (c === CLOSE) braces--
      else if (c === PAREN || c === BRACKET) parens++
      else if (c === UNPAREN || c === UNBRACKET) parens--
      if (braces < 0 || parens < 0) return false
    }
    const last = own[own.length - 1]!
    const c = code[last]!
    if (braces !== 0 || parens !== 0 || kind[last] !== T.punct) return false
    return c === SEMI || c === CLOSE || c === COLON || (atTop && c === UNPAREN)
  }
  const isList = (items: readonly number[]): boolean => {
    const own = real(items)
    if (own.length === 0) return true
    const last = own[own.length - 1]!
    let depth = 0
    for (const t of own) {
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === OPEN || c === PAREN || c === BRACKET) depth++
      else if (c === CLOSE || c === UNPAREN || c === UNBRACKET) depth--
      if (depth < 0) return false
    }
    return depth === 0 && kind[last] === T.punct && code[last] === COMMA
  }

  const out: number[] = []
  type Frame = { marker: number; arms: Arm[]; outerLength: number; atTop: boolean }
  const frames: Frame[] = []
  // `out` is shared: a group's arms are cut off it at its #endif and put back as decided.
  let depth = 0
  const depths: number[] = []

  const endGroup = (frame: Frame, endif: number | undefined): void => {
    const last = frame.arms[frame.arms.length - 1]!
    last.items = out.splice(frame.outerLength)
    const arms = frame.arms
    const outerDepth = depths.pop()!
    const hasElse = arms.length > 1 && conditions[arms[arms.length - 1]!.condition] === ''
    const alive = arms.filter((a) => !isDead(a.condition))
    const sure = arms.findIndex((a) => isTrue(a.condition))
    const live = sure >= 0 ? [arms[sure]!] : alive
    const put = (items: readonly number[]): void => {
      for (const t of items) out.push(t)
    }
    const wholes = live.every((a) => isWhole(a.items, frame.atTop))
    const before = out[out.length - 1]
    if (live.every((a) => real(a.items).length === 0)) {
      // nothing in it
    } else if (sure >= 0 || (live.length === 1 && hasElse && arms.length === 2)) put(live[0]!.items)
    else if (wholes && mayStart(before) && endif !== undefined && frames.length < 60) {
      code[frame.marker] = live[0]!.condition // the first arm may be a dead one
      live.forEach((a, k) => {
        out.push(k === 0 ? frame.marker : a.marks)
        put(a.items)
      })
      out.push(endif)
    } else if (live.every((a) => isList(a.items)) && innermost(out) === OPEN)
      live.forEach((a) => put(a.items))
    else {
      if (live.length > 1) dropped.push(start[frame.marker]!)
      put(live[0]!.items)
    }
    depth = outerDepth
    for (let k = frame.outerLength; k < out.length; k++) depth += braceOf(out[k]!)
  }
  const braceOf = (t: number): number => {
    if (kind[t] !== T.punct) return 0
    return code[t] === OPEN ? 1 : code[t] === CLOSE ? -1 : 0
  }

  for (let t = 0; t < tokens.count; t++) {
    switch (kind[t]) {
      case T.if:
        frames.push({
          marker: t,
          arms: [{ condition: code[t]!, items: [], marks: t }],
          outerLength: out.length,
          atTop: depth === 0,
        })
        depths.push(depth)
        break
      case T.else: {
        const frame = frames[frames.length - 1]
        if (!frame) break
        frame.arms[frame.arms.length - 1]!.items = out.splice(frame.outerLength)
        frame.arms.push({ condition: code[t]!, items: [], marks: t })
        depth = depths[depths.length - 1]!
        break
      }
      case T.endif: {
        const frame = frames.pop()
        if (frame) endGroup(frame, t)
        break
      }
      default:
        out.push(t)
        depth += braceOf(t)
    }
  }
  while (frames.length > 0) endGroup(frames.pop()!, undefined)

  const at = Int32Array.from(out)
  return { tokens, at, count: at.length, ...pair(tokens, at), dropped }
}

/** Partners of brackets and of markers. A `}` closes whatever is open inside its `{`. */
function pair(tokens: Tokens, at: Int32Array): { match: Int32Array; next: Int32Array } {
  const { kind, code } = tokens
  const match = new Int32Array(at.length).fill(-1)
  const next = new Int32Array(at.length).fill(-1)
  const open: number[] = []
  const groups: number[] = []
  for (let i = 0; i < at.length; i++) {
    const t = at[i]!
    const k = kind[t]!
    if (k === T.punct) {
      const c = code[t]!
      if (c === OPEN || c === PAREN || c === BRACKET) open.push(i)
      else if (c === CLOSE || c === UNPAREN || c === UNBRACKET) {
        const want = c === CLOSE ? OPEN : c === UNPAREN ? PAREN : BRACKET
        // A stray `)` must not close a `{`; a `}` closes what was left open inside its `{`.
        const isMine = (o: number): boolean => code[at[o]!] === want
        const k2 = open.findLastIndex((o) => isMine(o) || (want !== OPEN && code[at[o]!] === OPEN))
        if (k2 >= 0 && isMine(open[k2]!)) {
          const partner = open[k2]!
          match[partner] = i
          match[i] = partner
          open.length = k2
        }
      }
    } else if (k === T.if) groups.push(i)
    else if (k === T.else || k === T.endif) {
      const g = groups[groups.length - 1]
      if (g !== undefined) {
        next[g] = i
        if (k === T.else) groups[groups.length - 1] = i
        else groups.pop()
      }
    }
  }
  return { match, next }
}

/** The same tokens without any group: for a macro's body. */
export function plain(tokens: Tokens): Resolved {
  const at = new Int32Array(tokens.count)
  for (let i = 0; i < at.length; i++) at[i] = i
  return { tokens, at, count: at.length, ...pair(tokens, at), dropped: [] }
}
