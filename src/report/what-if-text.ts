import type { Fate, WhatIf } from '../audit/what-if.ts'
import { hang, plain, type Style } from './style.ts'

const headings: readonly (readonly [Fate, string])[] = [
  ['breaks', 'Breaks: works today, and never with it'],
  ['newly-unsafe', 'Newly unsafe: holds today, and not with it'],
  ['unsafe', 'Stays unsafe'],
  ['open', 'Cannot be proved'],
  ['mended', 'Mended: unsafe today, holds with it'],
  ['fine', 'Fine'],
]

/** What a proposal would do, to whom: the worst first, a line for each site and why. */
export function renderWhatIf(w: WhatIf, style: Style = plain): string {
  const out: string[] = []
  for (const [fate, heading] of headings) {
    const list = w.sites.filter((s) => s.fate === fate)
    if (list.length === 0) continue
    out.push(style.bold(`${heading} (${list.length}):`))
    for (const { today, proposed } of list) {
      out.push(...hang('  ', `${today.file}:${today.line} ${today.function}(): ${today.api}()`))
      const why =
        fate === 'breaks'
          ? `today: ${today.summary}`
          : fate === 'open'
            ? (proposed.reason ?? today.reason ?? proposed.summary)
            : proposed.summary
      if (fate !== 'fine') out.push(...hang('        ', why))
    }
    out.push('')
  }
  return [...out, ...renderWhatIfSummary(w)].join('\n')
}

export function renderWhatIfSummary(w: WhatIf): string[] {
  const n = w.summary
  const asked = Object.entries(w.policies).map(([name, value]) => `${name}=${value}`)
  return [
    ...hang('Tree      ', `${w.tree.path}, kernel ${w.tree.kernel}`),
    ...hang('Proposal  ', asked.join(', ')),
    ...hang('Protocols ', w.protocols.join(', ')),
    ...hang(
      'Sites     ',
      `${w.sites.length}: ${n.breaks} would break, ${n['newly-unsafe']} newly unsafe, ${n.unsafe} stay unsafe, ${n.open} cannot be proved, ${n.mended} mended, ${n.fine} fine`,
    ),
  ]
}
