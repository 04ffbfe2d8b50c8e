import type { Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachExpr, eachStmt } from '../each.ts'

const most = { up: 4, callers: 30 }

/**
 * Whether everybody who calls a function holds mmap_lock there, by the text of the callers: the last that was done to the lock before
 * the call, other than where the code leaves, was to take it. A caller that says nothing of it is asked for its own callers.
 */
export function callersHoldLock(code: Code, func: Func, seen: ReadonlySet<Func> = new Set([func])): boolean {
  const callers = code.callers(func).filter((c) => c !== func)
  if (callers.length === 0 || callers.length > most.callers || seen.size > most.up) return false
  return callers.every((c) => {
    const calls = callsOf(c, func.name)
    return (
      calls.length > 0 &&
      calls.every((at) => {
        const held = heldAt(c, at)
        return held ?? (!seen.has(c) && callersHoldLock(code, c, new Set([...seen, c])))
      })
    )
  })
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

/** Undefined: nothing is done to it before. */
function heldAt(func: Func, at: number): boolean | undefined {
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
