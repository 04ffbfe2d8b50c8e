import { Source } from '../base/index.ts'
import { compareVersions } from '../kernel/index.ts'
import { parse, runLitmus } from '../litmus/index.ts'
import { type Question, questions } from './questions.ts'

/** How a driver maps its memory: which of the three flags, what else, shared or private, and how its pages get in. */
export type Shape = {
  /** Of `I` (VM_IO), `P` (VM_PFNMAP), `M` (VM_MIXEDMAP), in this order; `-` is none. */
  readonly letters: string
  readonly share: 'shared' | 'private'
  /** Flags beside those: `VM_DONTEXPAND`. */
  readonly also: readonly string[]
  readonly insert: Insertion
}
export const insertions = [
  'remap_pfn_range',
  'vmf_insert_pfn',
  'vmf_insert_mixed',
  'vm_insert_page',
  'finish_fault',
] as const
export type Insertion = (typeof insertions)[number]

export type Cell = {
  readonly shape: Shape
  readonly question: string
  /** `yes`; the errno or signal that came instead; `BUG`; `?` where the model does not decide. */
  readonly answer: string
  /** Invariants that break on the way, other than a BUG. */
  readonly broken: readonly string[]
}

const flags: Readonly<Record<string, string>> = { I: 'VM_IO', P: 'VM_PFNMAP', M: 'VM_MIXEDMAP' }
/** A combination as a reader sees it: `IO PFNMAP`, `none`. */
export const spelled = (letters: string): string =>
  letters === '-'
    ? 'none'
    : letters
        .split('')
        .map((l) => flags[l]!.slice(3))
        .join(' ')
export const combinations = ['-', 'P', 'M', 'PM', 'I', 'IP', 'IM', 'IPM'] as const

/** What a driver with these flags most likely does: PFNs where the flags say so, pages otherwise. */
export const usual = (letters: string): Insertion =>
  letters.includes('P') ? 'remap_pfn_range' : letters.includes('M') ? 'vmf_insert_mixed' : 'finish_fault'

export const flagsOf = ({ letters, also }: Shape): readonly string[] => [
  ...letters.split('').flatMap((l) => flags[l] ?? []),
  ...also,
]

/** `IM/shared/fast`: a cell, as the command line names it. */
export const cellName = (shape: Shape, question: string): string =>
  `${shape.letters}/${shape.share}/${question}`

/** The litmus test whose answer stands in the cell. */
export function testOf(shape: Shape, question: Question, kernel: string): string {
  const set = flagsOf(shape)
  const prot = question.readOnly === true ? 'PROT_READ' : 'PROT_READ | PROT_WRITE'
  const touched = question.touched === true ? '' : ', untouched'
  const map = shape.share === 'shared' ? 'MAP_SHARED' : 'MAP_PRIVATE'
  const body = question.body({ before: (v) => compareVersions(kernel, v) < 0, map })
  return [
    `C flags-${shape.letters === '-' ? 'none' : shape.letters}-${shape.share}-${question.name}`,
    '',
    '(*',
    ` * ${question.says}:`,
    ` * ${shape.insert}() into a ${shape.share} mapping, ${set.length === 0 ? 'none of the three flags' : set.join(' | ')}.`,
    ' *)',
    '',
    '{',
    `\tdevice dev; bo B = dev(2 pages, system, ${[shape.insert, ...(set.length === 0 ? [] : [set.join(' | ')])].join(', ')}); mm A;${question.also === undefined ? '' : ` ${question.also}`}`,
    `\tA:p = mmap(B, 1 page, ${prot}, ${map}${touched});`,
    '}',
    '',
    'P0(mm A)',
    '{',
    ...body.map((line) => `\t${line}`),
    '}',
    '',
    `exists (0:${question.answer ?? 'r0'}=0)`,
    '',
  ].join('\n')
}

/** Runs the model for one cell. */
export function cellOf(
  shape: Shape,
  question: Question,
  kernel: string,
  policies: Readonly<Record<string, string>>,
): Cell {
  const text = testOf(shape, question, kernel)
  const cell = (answer: string, broken: readonly string[] = []): Cell => ({
    shape,
    question: question.name,
    answer,
    broken,
  })
  const { value: test } = parse(new Source(cellName(shape, question.name), text))
  const { value: found } = test === undefined ? { value: undefined } : runLitmus(test, { kernel, policies })
  if (found === undefined || !found.complete) return cell('?')
  const broken = found.broken.map((b) => b.code)
  if (broken.includes('kernel-bug')) return cell('BUG')
  const answers = [...new Set(found.states.map((s) => said(s.text, question.zero)))]
  return cell(answers.length === 1 ? answers[0]! : '?', broken)
}

/** `0:r0=-EFAULT;` is EFAULT. */
function said(text: string, zero = 'yes'): string {
  const value = /0:\w+=([^;]*);/.exec(text)?.[1] ?? '?'
  if (value === '0') return zero
  return /^-E|^SIG|\?/.test(value) ? value.replace(/^-/, '') : 'yes'
}

export type Asked = {
  readonly kernel: string
  readonly policies: Readonly<Record<string, string>>
  readonly also: readonly string[]
  readonly insert: Insertion | undefined
}

export const shapesOf = ({ also, insert }: Pick<Asked, 'also' | 'insert'>): readonly Shape[] =>
  (['shared', 'private'] as const).flatMap((share) =>
    combinations.map((letters): Shape => ({ letters, share, also, insert: insert ?? usual(letters) })),
  )

/** The whole table of one kernel, every cell computed. */
export const tableOf = (asked: Asked): readonly Cell[] =>
  shapesOf(asked).flatMap((shape) => questions.map((q) => cellOf(shape, q, asked.kernel, asked.policies)))
