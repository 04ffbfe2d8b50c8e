import { op, Room, T, type Tokens } from './lex.ts'

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

type Arm = { condition: number; items: Int32Array; marks: number }
type Frame = { marker: number; arms: Arm[]; outerLength: number; outerDepth: number }

const none = new Int32Array(0)

export function resolveArms(tokens: Tokens, room = new Room()): Resolved {
  const { count, kind, code, start, end, text, conditions } = tokens
  room.holdResolved(count)
  const out = room.at
  const dropped: number[] = []
  if (conditions.length === 0) {
    let n = 0
    for (let t = 0; t < count; t++) if (kind[t]! < T.if) out[n++] = t
    return { tokens, at: out.subarray(0, n), count: n, ...pair(tokens, out, n, room), dropped }
  }
  // `out` is shared: a group's arms are cut off it at its #endif and put back as decided.
  let length = 0
  let depth = 0
  const frames: Frame[] = []

  const isDead = (c: number): boolean =>
    /^\(?\s*0\s*\)?$|^defined ?\(? ?__cplusplus|^__cplusplus$/.test(conditions[c]!)
  const isTrue = (c: number): boolean => /^1$|^!__cplusplus$/.test(conditions[c]!)

  /** What kind of bracket is open at the end of `out`, looking at most a little way back. */
  const innermost = (): number => {
    let closed = 0
    for (let k = length - 1, steps = 0; k >= 0 && steps < 4000; k--, steps++) {
      const t = out[k]!
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === CLOSE || c === UNPAREN || c === UNBRACKET) closed++
      else if (c === OPEN || c === PAREN || c === BRACKET) {
        if (closed === 0) return c
        closed--
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

  const isReal = (t: number): boolean => kind[t]! < T.if
  const isEmpty = (a: Arm): boolean => !a.items.some(isReal)

  /** Brackets closed within, statements whole: it can stand alone. A macro used at file scope needs no `;`. */
  const isWhole = ({ items }: Arm, atTop: boolean): boolean => {
    const first = items.find(isReal)
    if (first === undefined) return true
    if (isElse(first)) return false
    let braces = 0
    let parens = 0
    for (const t of items) {
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === OPEN) braces++
      else if (c === CLOSE) braces--
      else if (c === PAREN || c === BRACKET) parens++
      else if (c === UNPAREN || c === UNBRACKET) parens--
      if (braces < 0 || parens < 0) return false
    }
    const last = items.findLast(isReal)!
    const c = code[last]!
    if (braces !== 0 || parens !== 0 || kind[last] !== T.punct) return false
    return c === SEMI || c === CLOSE || c === COLON || (atTop && c === UNPAREN)
  }
  const isList = ({ items }: Arm): boolean => {
    const last = items.findLast(isReal)
    if (last === undefined) return true
    let open = 0
    for (const t of items) {
      if (kind[t] !== T.punct) continue
      const c = code[t]!
      if (c === OPEN || c === PAREN || c === BRACKET) open++
      else if (c === CLOSE || c === UNPAREN || c === UNBRACKET) open--
      if (open < 0) return false
    }
    return open === 0 && kind[last] === T.punct && code[last] === COMMA
  }

  /** Ends the last arm of a group: what came since it began is its own. */
  const endArm = (frame: Frame): void => {
    frame.arms[frame.arms.length - 1]!.items = out.slice(frame.outerLength, length)
    length = frame.outerLength
  }

  const endGroup = (frame: Frame, endif: number | undefined): void => {
    endArm(frame)
    const arms = frame.arms
    const hasElse = arms.length > 1 && conditions[arms[arms.length - 1]!.condition] === ''
    const alive = arms.filter((a) => !isDead(a.condition))
    const sure = arms.findIndex((a) => isTrue(a.condition))
    const live = sure >= 0 ? [arms[sure]!] : alive
    const put = ({ items }: Arm): void => {
      out.set(items, length)
      length += items.length
    }
    const before = length > 0 ? out[length - 1] : undefined
    if (live.every(isEmpty)) {
      // nothing in it
    } else if (sure >= 0 || (live.length === 1 && hasElse && arms.length === 2)) put(live[0]!)
    else if (
      endif !== undefined &&
      frames.length < 60 &&
      mayStart(before) &&
      live.every((a) => isWhole(a, frame.outerDepth === 0))
    ) {
      code[frame.marker] = live[0]!.condition // the first arm may be a dead one
      live.forEach((a, k) => {
        out[length++] = k === 0 ? frame.marker : a.marks
        put(a)
      })
      out[length++] = endif
    } else if (live.every(isList) && innermost() === OPEN) live.forEach(put)
    else {
      if (live.length > 1) dropped.push(start[frame.marker]!)
      put(live[0]!)
    }
    depth = frame.outerDepth
    for (let k = frame.outerLength; k < length; k++) depth += braceOf(out[k]!)
  }
  const braceOf = (t: number): number => {
    if (kind[t] !== T.punct) return 0
    return code[t] === OPEN ? 1 : code[t] === CLOSE ? -1 : 0
  }

  for (let t = 0; t < count; t++) {
    switch (kind[t]) {
      case T.if:
        frames.push({
          marker: t,
          arms: [{ condition: code[t]!, items: none, marks: t }],
          outerLength: length,
          outerDepth: depth,
        })
        break
      case T.else: {
        const frame = frames[frames.length - 1]
        if (!frame) break
        endArm(frame)
        frame.arms.push({ condition: code[t]!, items: none, marks: t })
        depth = frame.outerDepth
        break
      }
      case T.endif: {
        const frame = frames.pop()
        if (frame) endGroup(frame, t)
        break
      }
      default:
        out[length++] = t
        depth += braceOf(t)
    }
  }
  while (frames.length > 0) endGroup(frames.pop()!, undefined)

  return { tokens, at: out.subarray(0, length), count: length, ...pair(tokens, out, length, room), dropped }
}

/** Partners of brackets and of markers. A `}` closes whatever is open inside its `{`. */
function pair(
  { kind, code }: Tokens,
  at: Int32Array,
  count: number,
  { match, next }: Room,
): { match: Int32Array; next: Int32Array } {
  match.fill(-1, 0, count)
  next.fill(-1, 0, count)
  const open: number[] = []
  const groups: number[] = []
  for (let i = 0; i < count; i++) {
    const t = at[i]!
    const k = kind[t]!
    if (k === T.punct) {
      const c = code[t]!
      if (c === OPEN || c === PAREN || c === BRACKET) open.push(i)
      else if (c === CLOSE || c === UNPAREN || c === UNBRACKET) {
        const want = c === CLOSE ? OPEN : c === UNPAREN ? PAREN : BRACKET
        // A stray `)` must not close a `{`; a `}` closes what was left open inside its `{`.
        let o = open.length - 1
        for (; o >= 0; o--) {
          const other = code[at[open[o]!]!]
          if (other === want || (want !== OPEN && other === OPEN)) break
        }
        if (o >= 0 && code[at[open[o]!]!] === want) {
          const partner = open[o]!
          match[partner] = i
          match[i] = partner
          open.length = o
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
export function plain(tokens: Tokens, room = new Room()): Resolved {
  const { count } = tokens
  room.holdResolved(count)
  const { at } = room
  for (let i = 0; i < count; i++) at[i] = i
  return { tokens, at: at.subarray(0, count), count, ...pair(tokens, at, count, room), dropped: [] }
}
