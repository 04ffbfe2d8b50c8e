import type { Action, Holder, Holders } from '../audit/holders.ts'
import { hang, plain, type Style } from './style.ts'

/** Who can hold a page: the longest first, each with how it is taken and how it is given back. */
export function renderHolders(h: Holders, style: Style = plain): string {
  const parts: [Holder['hold'], string][] = [
    ['longterm', 'Until user space lets go'],
    ['transient', 'For longer than the call'],
    ['undecided', 'Where it is given back was not followed'],
  ]
  const out: string[] = []
  for (const [hold, heading] of parts) {
    const list = h.holders.filter((x) => x.hold === hold)
    if (list.length === 0) continue
    out.push(style.bold(`${heading} (${list.length}):`), '')
    for (const x of list) out.push(...one(x, style), '')
  }
  if (out.length === 0)
    out.push('Nobody holds a page for longer than a call, as far as it is looked for.', '')
  const count = (hold: Holder['hold']): number => h.holders.filter((x) => x.hold === hold).length
  out.push(
    ...hang('Tree      ', `${h.tree.path}, kernel ${h.tree.kernel}`),
    ...hang(
      'Holders   ',
      `${h.holders.length}: ${count('longterm')} until user space lets go, ${count('transient')} for longer than the call, ${count('undecided')} not followed`,
    ),
  )
  return out.join('\n')
}

function one(x: Holder, style: Style): string[] {
  const flags = x.flags.length > 0 ? `, ${x.flags.join(' | ')}` : ''
  return [
    ...hang('  ', `${style.bold(`${x.file}:${x.line}`)} ${x.function}(): ${x.api}(), ${x.kind}${flags}`),
    ...hang('    taken       ', by(x.takenBy)),
    ...(x.reason === undefined ? [] : hang('    not decided ', x.reason)),
    ...(x.releases.length === 0
      ? hang('    given back  ', 'nowhere that was seen')
      : x.releases.flatMap((r) =>
          hang(
            r.how === 'followed' ? '    given back  ' : '    perhaps by  ',
            `${r.file}:${r.line} ${r.function}(): ${r.api}(); ${by(r.by)}`,
          ),
        )),
  ]
}

function by(actions: readonly Action[]): string {
  if (actions.length === 0) return 'no way in was found'
  const words = [...new Set(actions.map((a) => a.what))]
  const shown = words.slice(0, 6)
  const more = words.length - shown.length
  return `${shown.join('; ')}${more > 0 ? `; ${more} more` : ''}`
}
