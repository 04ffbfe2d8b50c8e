/** What is wrong with a way, and what keeps that from being said. */

import type { Judged } from '../judge.ts'
import type { ReferenceApi } from '../protocols/reference.ts'
import type { Ending, HoldingSite } from './event.ts'
import { writes } from './lift.ts'

/** The class of what goes wrong on a way, if anything does and it is understood. */
export function classOf(e: Ending): string | undefined {
  const h = e.holding
  if (h.unclear !== undefined) return undefined
  if (h.wrong !== undefined) return h.wrong
  if (h.left === 'all' && e.kept === 'nowhere')
    return h.outcome === 'short' ? 'partial-pin' : 'error-path-leak'
  if (h.written && writes(h.flags) === false && h.left === 'nothing')
    // Both ways may be no more than what the driver asks for every time.
    return e.events.some(
      (x) => x.do === 'write' && x.hold === h.id && !(x.text ?? '').includes('DMA_BIDIRECTIONAL'),
    )
      ? 'wrong-foll-flag'
      : undefined
  return undefined
}

/** Whether what breaks is what the class says, and not something else in the same test. */
export function shows(cls: string, judged: Judged): boolean {
  const codes: Readonly<Record<string, string>> = {
    'missing-longterm': 'longterm-movable',
    'missing-dirty': 'dirty-lost',
    'get-instead-of-pin': 'fork-isolation',
    'sleeping-release': 'lock-context',
    'gup-without-mmap-lock': 'lock-context',
  }
  return codes[cls] === undefined || judged.result!.broken.some((b) => b.code === codes[cls])
}

/** A page that is got of another process by its address is private memory that is being set up, more often than not: fork and dirt are not asked of it. */
export const isRemoteGet = ({ takes, mm }: ReferenceApi): boolean => takes === 'get' && mm !== undefined

/** The function that gives it back in the wrong way gives it back in the right way, too, on another path. */
export function eitherWay(e: Ending, all: readonly Ending[]): boolean {
  const { takes } = e.holding.site.api
  const wrong = e.events.find((x) => x.do === 'release' && x.hold === e.holding.id && x.as !== takes)
  const alike = all.filter((o) => o.holding.outcome === e.holding.outcome)
  return alike.some((o) =>
    o.events.some(
      (x) => x.do === 'release' && x.hold === o.holding.id && x.as === takes && x.at.func === wrong?.at.func,
    ),
  )
}

/** The call is one of a loop's. */
export function standsInLoop({ func, call }: HoldingSite): boolean {
  const text = func.file.source.text.slice(func.start, call.start)
  // What is opened by a loop and not closed before the call.
  let depth = 0
  for (let i = text.length - 1; i >= 0; i--) {
    if (text[i] === '}') depth++
    else if (text[i] === '{' && --depth < 0) {
      depth = 0
      if (/(\b(while|for)\s*\([^{}]*\)|\bdo)\s*$/.test(text.slice(0, i))) return true
    }
  }
  return false
}

/** What a careful reader would ask, and what is not answered yet. */
export function openQuestion(e: Ending, all: readonly Ending[], callersLock: boolean): string | undefined {
  const h = e.holding
  const { api } = h.site
  if (api.lock && h.locked === 'unseen' && !callersLock)
    return 'it needs mmap_lock, and that all callers hold it is not seen'
  // Nobody writes to it who is seen; who is not seen may.
  if (h.handed === undefined || h.written || writes(h.flags) === false) return undefined
  if (api.takes === 'get' && !isRemoteGet(api))
    return `a plain reference (FOLL_GET) is taken to memory that ${h.handed}() may write to, and whether it does is not seen`
  if (!h.dirtied && !all.some((x) => x.holding.dirtied))
    return `${h.handed}() may write to it, and nothing marks it dirty here: whether it does is not seen`
  return undefined
}
