import type { Broken, Timeline, TimelineStep } from '../litmus/index.ts'
import { columns, hang, plain, type Style, wrap } from './style.ts'

/**
 * A broken invariant for an e-mail: the promise, what happened, who takes part, and the run, one lane for each actor as in
 * `git log --graph`. Under each step stands what it changed, and behind `=` how the pages stand, whenever that is different.
 */
export function renderBroken(b: Broken, style: Style = plain): string {
  return [
    ...wrap(b.promise === '' ? '' : `Promise: ${b.promise}`, columns).filter((l) => l !== ''),
    '',
    ...renderTimeline(b.witness, style, `${b.code}: ${b.detail}`),
  ].join('\n')
}

/** The actors and the lanes; `end` is what the last step comes to. */
export function renderTimeline(t: Timeline, style: Style = plain, end?: string): string[] {
  const lane = Math.max(3, ...t.actors.map((a) => a.name.length)) + 1
  const digits = Math.max(2, String(t.steps.length).length)
  const pad = (text: string): string => text.padEnd(lane)
  const lanes = (mark: (actor: number) => string): string =>
    ' '.repeat(digits + 2) + t.actors.map((_, i) => pad(mark(i))).join('')
  const rails = lanes(() => '|')
  const width = columns - rails.length - 1
  const out: string[] = [...cast(t, style), '']
  out.push(style.bold(lanes((i) => t.actors[i]!.name).trimEnd()))
  const under = (text: string, paint = style.dim, rail = rails, first = '  ', more = '    '): void => {
    for (const [i, l] of wrap(text, width - more.length).entries())
      out.push(`${style.frame(rail)} ${paint((i === 0 ? first : more) + l)}`)
  }
  let pages = t.pages
  if (pages !== '') under(pages, style.dim, rails, '= ', '  ')
  for (const [n, step] of t.steps.entries()) {
    const last = n === t.steps.length - 1 && end !== undefined
    const mark = (actor: number): string => (actor !== step.actor ? '|' : last ? 'X' : '*')
    const number = String(n + 1).padStart(digits)
    const rail = number + lanes(mark).slice(digits)
    const text = stepText(t, n)
    const [first = '', ...more] = wrap(text, width)
    const place = step.place ?? ''
    const fits = more.length === 0 && first.length + 2 + place.length <= width
    const paint = last ? style.bad : style.bold
    const line = `${style.frame(rail)} ${paint(first)}`
    out.push(
      place !== '' && fits
        ? `${line}${' '.repeat(width - first.length - place.length)}${style.dim(place)}`
        : line,
    )
    for (const l of more) out.push(`${style.frame(rails)} ${paint(`  ${l}`)}`)
    if (place !== '' && !fits)
      out.push(`${style.frame(rails)} ${style.dim(place.slice(-width).padStart(width))}`)
    for (const c of step.changes) under(c)
    if (step.pages !== pages)
      under(step.pages === '' ? "no frame is anybody's" : step.pages, style.dim, rails, '= ', '  ')
    pages = step.pages
  }
  if (end !== undefined)
    for (const [i, l] of wrap(end, columns - digits - 5).entries())
      out.push(style.bad(`${' '.repeat(digits)} ${i === 0 ? '=> ' : '   '}${l}`))
  return out.map((l) => l.trimEnd())
}

/** Who takes part: the name, the context, and the comment behind the head of the process. */
function cast(t: Timeline, style: Style): string[] {
  const name = Math.max(0, ...t.actors.map((a) => a.name.length))
  const context = Math.max(0, ...t.actors.map((a) => a.context.length))
  return t.actors.flatMap((a) =>
    hang(`  ${a.name.padEnd(name)}  ${a.context.padEnd(context)}  `, a.role).map((l, i) =>
      i === 0 ? l.replace(a.name, style.bold(a.name)) : l,
    ),
  )
}

/** The statement when its first step runs, and which step that is where it has several; then only the step. */
export function stepText(t: { readonly steps: readonly Said[] }, n: number): string {
  const step = t.steps[n]!
  const same = (other: Said | undefined): boolean =>
    other !== undefined && other.statement === step.statement && other.place === step.place
  const own = t.steps.map((s, i) => ({ s, i })).filter(({ s }) => s.actor === step.actor)
  const at = own.findIndex(({ i }) => i === n)
  const begun = same(own[at - 1]?.s) && !isFirst(step, own[at - 1]!.s)
  const goesOn = same(own[at + 1]?.s)
  if (step.statement === undefined) return step.step
  if (begun) return `  ${step.step}`
  return goesOn ? `${step.statement}: ${lastOf(step.step)}` : step.statement
}

/** What a step is told by; a drawn run has the same. */
type Said = Pick<TimelineStep, 'actor' | 'step' | 'statement' | 'place'>

/** The same statement again, in a loop: its steps begin anew. */
const isFirst = (step: Said, before: Said): boolean => step.step === before.step

const lastOf = (step: string): string => step.slice(step.lastIndexOf(': ') + (step.includes(': ') ? 2 : 1))
