import type { Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachExpr, eachStmt } from '../each.ts'

const most = { up: 7, callers: 30 }

/** Whether mmap_lock is held at a call: by all who come there; or, by this one, not; undefined: that is not seen. */
export type Held = true | { readonly not: string } | undefined

/**
 * Whether everybody who comes to a place in a function holds mmap_lock there, by the text: the last that was done to the lock before it,
 * other than where the code leaves, was to take it. Where a function says nothing of it, its callers are asked. `entered`: by whom a
 * function is called who holds no lock.
 */
export function lockHeld(
  code: Code,
  func: Func,
  at: number,
  entered: (func: Func) => string | undefined,
  seen: ReadonlySet<Func> = new Set([func]),
): Held {
  const here = heldAt(code, func, at)
  if (here === true) return true
  if (here === 'unclear') return undefined
  // Dropped before the call, and not taken again.
  if (here === false) return { not: `${func.name}()` }
  const callers = code.callers(func).filter((c) => c !== func)
  if (callers.length > most.callers || seen.size > most.up) return undefined
  const by = entered(func)
  if (callers.length === 0) return by === undefined ? undefined : { not: by }
  if (by !== undefined) return undefined
  let all = true
  for (const c of callers) {
    const calls = callsOf(c, func.name)
    if (calls.length === 0 || seen.has(c)) all = false
    else
      for (const call of calls) {
        const held = lockHeld(code, c, call, entered, new Set([...seen, c]))
        if (typeof held === 'object') return held
        if (held !== true) all = false
      }
  }
  return all ? true : undefined
}

function callsOf(func: Func, name: string): number[] {
  const calls: number[] = []
  eachStmt(func.body.stmts, (outer) =>
    eachExpr(outer, (e) => {
      if (e.kind === 'call' && e.callee.kind === 'name' && e.callee.name === name) calls.push(e.start)
    }),
  )
  return calls
}

const done =
  /\b(?:(mmap_(?:read|write)_lock(?:_killable)?|mmap_(?:read|write)_trylock|mmap_assert_(?:write_)?locked)|(mmap_(?:read|write)_unlock)|(down_(?:read|write)(?:_killable)?)\s*\(\s*&?[\w>.-]*mmap_(?:sem|lock)|(up_(?:read|write))\s*\(\s*&?[\w>.-]*mmap_(?:sem|lock))/g

const takes = /\bmmap_(?:read|write)_(?:try)?lock|down_(?:read|write)\w*\s*\([^)]*mmap_(?:sem|lock)/g
const drops = /\bmmap_(?:read|write)_unlock|up_(?:read|write)\s*\([^)]*mmap_(?:sem|lock)/g

/** Undefined: nothing is done to it before. `unclear`: a function that was called may have. */
function heldAt(code: Code, func: Func, at: number): boolean | 'unclear' | undefined {
  const own = direct(func, at)
  if (own !== undefined) return own
  const text = func.file.source.text.slice(func.start, at)
  let found: boolean | 'unclear' | undefined
  for (const m of text.matchAll(/\b([a-z_]\w*)\s*\(/g)) {
    if (m[1] === func.name) continue
    const callee =
      code.resolveHere(m[1]!, func.file) ??
      (/mmap|_lock|mm_/.test(m[1]!) ? code.resolve(m[1]!, func.file) : undefined)
    if (callee === undefined) continue
    const body = callee.file.source.text.slice(callee.start, callee.end)
    const taken = body.match(takes)?.length ?? 0
    if (taken === 0) continue
    // It comes back with the lock: that is what its name says, or it has nothing that drops it.
    if ((body.match(drops)?.length ?? 0) === 0 || /(^|_)(find_)?lock(_|$)/.test(m[1]!)) found = true
    else if (found !== true) found = 'unclear'
  }
  return found
}

/** What the function itself did to it last. */
function direct(func: Func, at: number): boolean | undefined {
  const text = func.file.source.text.slice(func.start, at)
  let held: boolean | undefined
  for (const m of text.matchAll(done)) {
    const behind = text.slice(m.index).replace(/^[^;]*;/, '')
    if (m[2] !== undefined || m[4] !== undefined) {
      if (!/^\s*(return|goto|continue|break)\b[^;]*;/.test(behind)) held = false
      continue
    }
    // `if (x) mmap_read_lock(mm);`
    const maybe = !/_(killable|trylock)$/.test(m[1] ?? m[3]!) && /\)\s*$/.test(text.slice(0, m.index))
    held = !maybe
  }
  return held
}
