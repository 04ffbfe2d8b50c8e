import type { Cell } from '../flags/index.ts'

const letters = ['-', 'P', 'M', 'PM', 'I', 'IP', 'IM', 'IPM']
const legend = 'I VM_IO, P VM_PFNMAP, M VM_MIXEDMAP, - none of them'

type Table = {
  readonly kernel: string
  readonly cells: readonly Cell[]
  readonly questions: readonly { readonly name: string; readonly says: string }[]
  /** Cells that a real kernel of this version was asked about, and agreed. */
  readonly confirmed: ReadonlySet<string>
}

/** The table for a terminal or a mail: questions down, combinations across. */
export function renderFlags(t: Table): string {
  const out: string[] = [`Linux ${t.kernel}. ${legend}.`, '']
  for (const share of ['shared', 'private'] as const) {
    out.push(row(share, letters))
    for (const q of t.questions)
      out.push(
        row(
          q.name,
          letters.map((l) => {
            const cell = t.cells.find(
              (c) => c.question === q.name && c.shape.letters === l && c.shape.share === share,
            )
            return cell === undefined ? '' : `${shown(cell)}${t.confirmed.has(nameOf(cell)) ? '' : '~'}`
          }),
        ),
      )
    out.push('')
  }
  for (const q of t.questions) out.push(`  ${q.name.padEnd(9)} ${q.says}`)
  out.push('')
  out.push('yes! works and breaks a promise; BUG the kernel stops there; ~ computed')
  out.push('by the model, not asked of a real kernel. A cell as a litmus test:')
  out.push(`  tenure flags --kernel ${t.kernel} --show IM/shared/fast`)
  return out.join('\n')
}

/** The differences between two kernels, one a line. */
export function renderFlagsDiff(a: Table, b: Table): string {
  const out = [`Linux ${a.kernel} and ${b.kernel}. ${legend}.`, '']
  let same = 0
  for (const cell of a.cells) {
    const other = b.cells.find((c) => nameOf(c) === nameOf(cell))
    if (other === undefined) continue
    if (shown(cell) === shown(other)) same++
    else out.push(`${nameOf(cell).padEnd(22)} ${shown(cell).padEnd(8)} -> ${shown(other)}`)
  }
  out.push('', `${same} cells are the same.`)
  return out.join('\n')
}

/** For documents. */
export function markdownFlags(t: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return (['shared', 'private'] as const)
    .flatMap((share) => [
      line([`${share}, ${t.kernel}`, ...letters]),
      line(['---', ...letters.map(() => '---')]),
      ...t.questions.map((q) =>
        line([
          q.name,
          ...letters.map((l) => {
            const cell = t.cells.find(
              (c) => c.question === q.name && c.shape.letters === l && c.shape.share === share,
            )
            return cell === undefined ? '' : shown(cell)
          }),
        ]),
      ),
      '',
    ])
    .join('\n')
}

const shown = (c: Cell): string => `${c.answer}${c.broken.length > 0 ? '!' : ''}`
const nameOf = (c: Cell): string => `${c.shape.letters}/${c.shape.share}/${c.question}`
const row = (head: string, cells: readonly string[]): string =>
  `${head.padEnd(9)} ${cells.map((c) => c.padEnd(7)).join(' ')}`.trimEnd()
