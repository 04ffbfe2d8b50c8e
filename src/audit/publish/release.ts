import type { CFile, Func } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { withFile } from '../things/words.ts'

/** What becomes of the object behind a file when the last descriptor of it is closed. */
export type Release =
  /** It is freed. */
  | { readonly does: 'frees'; readonly by: string; readonly lock?: string }
  /** A reference to it is dropped. */
  | { readonly does: 'puts'; readonly by: string; readonly lock?: string }
  /** It is somebody else's, and stays. */
  | { readonly does: 'keeps' }
  | { readonly does: 'unknown'; readonly why: string }

/** `fops`: the name of the table that the file was made with, the type of the object that goes with it, or neither: the file itself. */
export function releaseOf(code: Code, file: CFile, fops: string | undefined): Release {
  if (fops === undefined) return { does: 'frees', by: 'the last fput()' }
  if (withFile.has(fops)) return { does: 'frees', by: `the release of ${fops}` }
  for (const f of [file, ...code.moduleWith(file, fops)])
    for (const g of f.globals) {
      if (g.name !== fops || g.value?.kind !== 'init') continue
      const item = g.value.items.find((i) => i.path[0] === '.release')
      if (item === undefined) return { does: 'keeps' }
      const func = item.value.kind === 'name' ? code.resolve(item.value.name, f) : undefined
      if (func === undefined) break
      const found = read(code, func, 0, undefined)
      if (found === undefined || (found.does !== 'frees' && found.does !== 'puts'))
        return found ?? { does: 'keeps' }
      const lock = lockAround(func)
      return lock === undefined ? found : { ...found, lock }
    }
  return { does: 'unknown', why: `the release of ${fops} is not in sight` }
}

/** Whether a function frees, or drops a reference to, what the file has as its private data. */
function read(code: Code, func: Func, depth: number, given: string | undefined): Release | undefined {
  const text = func.file.source.text.slice(func.start, func.end)
  const names = new Set<string>(given === undefined ? [] : [given])
  for (const m of text.matchAll(/(\w+)\s*=\s*(?:\([^)]*\)\s*)?\w+->(?:private_data|priv)\b/g))
    names.add(m[1]!)
  for (const m of text.matchAll(/\(\s*\w+->(private_data|priv)\s*[,)]/g)) names.add(m[1]!)
  const by = func.name
  for (const m of text.matchAll(/\b(\w+)\s*\(([^()]*)/g)) {
    const [, name = '', args = ''] = m
    const first = args.split(',')[0]!.trim()
    const whole = /^&?\s*(\w+)$/.exec(first)?.[1] ?? /^\w+->(private_data|priv)$/.exec(first)?.[1]
    const part = /^&\s*(\w+)->/.exec(first)?.[1]
    if (whole !== undefined && names.has(whole) && !first.startsWith('&')) {
      if (/^(k|kv|v)free/.test(name)) return { does: 'frees', by }
      if (/_put$|^put_|_put_\w+$|_unref$/.test(name)) return { does: 'puts', by }
      const callee = depth < 3 ? code.resolveHere(name, func.file) : undefined
      const at = args.split(',').findIndex((a) => names.has(a.trim()))
      const inner =
        callee === undefined || callee === func
          ? undefined
          : read(code, callee, depth + 1, callee.params[Math.max(0, at)]?.name)
      if (inner !== undefined) return inner
    }
    if (part !== undefined && names.has(part) && /^(kref_put|refcount_dec|atomic_dec_and_test)/.test(name))
      return { does: 'puts', by }
  }
  return undefined
}

/** The lock that a release takes before all else; whoever has it keeps the object. */
function lockAround(func: Func): string | undefined {
  const text = func.file.source.text.slice(func.start, func.end)
  const taken = /\b(?:mutex_lock|down_write)\(\s*&?([\w.>-]+)\s*\)/.exec(text)?.[1]
  return taken === undefined ? undefined : ending(taken)
}

/** `gt->perf.lock`: the last two names of it. */
const ending = (path: string): string => path.split(/->|\./).slice(-2).join('.')

/** Whether a function, or one that calls it, takes that lock or says that it is held. */
export function holdsLock(code: Code, func: Func, lock: string, up = 3): boolean {
  const text = func.file.source.text.slice(func.start, func.end)
  for (const m of text.matchAll(
    /\b(?:mutex_lock\w*|down_write\w*|lockdep_assert_held\w*|guard\(mutex\))\(\s*&?([\w.>-]+)/g,
  ))
    if (ending(m[1]!) === lock) return true
  const callers = up === 0 ? [] : code.callers(func)
  return callers.length > 0 && callers.every((c) => holdsLock(code, c, lock, up - 1))
}
