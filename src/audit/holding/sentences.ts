/** What is said of a way, in words. */

import type { Hop } from '../result.ts'
import type { Ending, HoldingEvent } from './event.ts'

const count = (e: Ending): string => (e.holding.outcome === 'short' ? 'the pages that it got' : 'the pages')

/** What goes wrong, by its class. */
export function sentence(e: Ending, cls: string): string {
  const { api } = e.holding.site
  const taken = e.events.findIndex((x) => x.do === 'acquire' && x.hold === e.holding.id)
  const last = e.events.findLast((x, i) => i > taken && x.do === 'decide')
  const release = e.events.findLast((x) => x.do === 'release' && x.hold === e.holding.id)
  const by = release?.do === 'release' ? `${release.api}()` : 'the release'
  switch (cls) {
    case 'error-path-leak':
      return `${count(e)} of ${api.name}() are not given back when ${e.end.func}() leaves${last !== undefined ? ` after ${last.text} (line ${last.at.line})` : ''}`
    case 'partial-pin':
      return release === undefined
        ? `when ${api.name}() gives fewer pages than asked for, ${e.end.func}() leaves without giving those back`
        : `fewer pages than asked for are taken for all of them: ${by} is called for as many as were asked for`
    case 'over-unpin':
      if (e.holding.outcome === 'none')
        return `when ${api.name}() fails, ${by} is called all the same, with the error for a number of pages`
      return `when ${api.name}() gives fewer pages than asked for, ${by} is called for all that were asked for`
    case 'double-put':
      return `what ${api.name}() took is given back twice on one way, last by ${by}`
    case 'sleeping-release': {
      const x = e.events.find((y) => (y.do === 'release' || y.do === 'dirty') && y.atomic !== undefined)
      const atomic = x !== undefined && 'atomic' in x ? x.atomic : ''
      return `what ${api.name}() took is marked dirty by a call that may sleep (line ${x?.at.line} of ${x?.at.file}), where ${atomic} forbids that`
    }
    case 'gup-without-mmap-lock':
      return `${api.name}() wants mmap_lock, and ${e.place ?? 'nobody'} does not take it`
    case 'put-instead-of-unpin':
      return `what ${api.name}() pinned is given back by ${by}, which drops a reference and leaves the pin`
    case 'get-instead-of-pin':
      return `${api.name}() takes a plain reference to memory that is then written (line ${written(e)}), which fork and writeback do not expect: it wants a pin`
    case 'missing-longterm':
      return `${api.name}() pins without FOLL_LONGTERM, and the pages stay pinned until a user asks for their release${release === undefined ? '' : ` (${by} in ${release.at.func}())`}`
    case 'missing-dirty':
      return `what ${api.name}() took is written (line ${written(e)}) and given back by ${by} without being marked dirty`
    case 'unpin-instead-of-put':
      return `what ${api.name}() took a reference to is given back by ${by}, which drops a pin that nobody has`
    default:
      return `${api.name}() is not told FOLL_WRITE, and the pages are written`
  }
}

/** Where it is written, in words. */
function written(e: Ending): string {
  const w = e.events.find((x) => x.do === 'write' && x.hold === e.holding.id)
  return w === undefined ? '?' : `${w.at.line} of ${w.at.file}`
}

/** What keeps the pages from going away in the meantime. */
export function guardOf(e: Ending): string {
  const { locked, site } = e.holding
  const what = site.api.takes === 'pin' ? 'a pin on the pages' : 'a reference to the pages'
  if (!site.api.lock) return what
  return `${what}, mmap_lock ${locked === 'unseen' ? 'of the caller' : locked === 'taken' ? 'for the call' : 'of the caller, as asserted'}`
}

/** The way, line by line, from the call on. */
export function hopsOf(e: Ending): Hop[] {
  const hops = e.events.flatMap((x: HoldingEvent): Hop[] => {
    const at = { file: x.at.file, line: x.at.line }
    if ('hold' in x && x.hold !== e.holding.id) return []
    switch (x.do) {
      case 'acquire':
        return [
          {
            ...at,
            text:
              x.outcome === 'short'
                ? `${x.api.name}() gives fewer than asked for`
                : `taken by ${x.api.name}()`,
          },
        ]
      case 'release':
        return [
          {
            ...at,
            text: `given back by ${x.api}()${x.many === 'asked' ? ', as many as were asked for' : ''}`,
          },
        ]
      case 'write':
        return [{ ...at, text: `written by ${x.by === 'cpu' ? 'the CPU' : 'a device'}: ${x.text}` }]
      case 'dirty':
        return [{ ...at, text: 'marked dirty' }]
      case 'leave':
        return [
          {
            ...at,
            text: `kept when the call has returned${x.text === undefined || x.text === '' ? '' : `, by ${x.text}`}`,
          },
        ]
      case 'decide':
        return [{ ...at, text: x.text ?? '' }]
      case 'count':
        return [{ ...at, text: `\`${x.text}\` asks how many came` }]
      default:
        return []
    }
  })
  const from = hops.findIndex(
    (h) => h.line === e.holding.site.func.file.source.position(e.holding.site.call.start).line,
  )
  const own = from < 0 ? hops : hops.slice(from)
  if (e.holding.left === 'all')
    own.push({
      file: e.end.file,
      line: e.end.line,
      text: e.kept === 'nowhere' ? 'nothing refers to it any more' : `still held: ${e.place ?? 'elsewhere'}`,
    })
  return own
}
