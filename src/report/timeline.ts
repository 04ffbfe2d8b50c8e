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
    // Within an operation, a step that changes nothing a reader knows is left out; the numbers tell.
    if (!last && step.changes.length === 0 && step.pages === pages && !begins(t, n) && !isCallback(t, step))
      continue
    const mark = (actor: number): string => (actor !== step.actor ? '|' : last ? 'X' : '*')
    const number = String(n + 1).padStart(digits)
    const rail = number + lanes(mark).slice(digits)
    const text = stepText(t, n)
    const indent = /^ */.exec(text)![0]
    const [first = '', ...more] = wrap(text, width - indent.length).map((l) => indent + l)
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
    for (const c of step.changes) under(c, style.dim, rails, `${indent}  `, `${indent}    `)
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

/** What is needed of a run to say what its steps are called. */
type Said = Pick<TimelineStep, 'actor' | 'step' | 'statement' | 'place'>
type Run = { readonly steps: readonly Said[] }

/**
 * What a step is called: the statement when it begins; then the operation that runs and its step, indented as it is called, as in
 * ftrace's function graph; the statements of a callback under its name.
 */
export function stepText(t: Run, n: number): string {
  const step = t.steps[n]!
  const { statement } = step
  const calls = step.step.split(' > ')
  const innermost = calls.at(-1)!
  if (statement === undefined) return step.step
  const callback = calls.length > 1 ? calls.at(-2)! : ''
  if (isCallback(t, step)) return `${'  '.repeat(calls.length - 1)}${callback}: ${statement}`
  if (!begins(t, n)) return `${'  '.repeat(calls.length)}${innermost}`
  return goesOn(t, n) && calls.length === 1 ? `${statement}: ${lastOf(innermost)}` : statement
}

/** A statement of a callback runs under the operation that invalidates, which belongs to another statement. */
function isCallback(t: Run, step: Said): boolean {
  const root = rootOf(step)
  return t.steps.some((s) => s.actor === step.actor && s !== step && rootOf(s) === root && isOuter(s, step))
}

/** `outer` runs in the same call as `inner`, less deep, and is another statement. */
const isOuter = (outer: Said, inner: Said): boolean =>
  outer.statement !== inner.statement &&
  inner.step.split(' > ').length > outer.step.split(' > ').length &&
  inner.step.startsWith(`${rootOf(outer)} > `)

/** The operation that the statement calls: `bo_move` of `bo_move > unmap_mapping_range: zap`. */
const rootOf = (step: Said): string => step.step.split(/ > |: /)[0]!

/** Whether the statement begins with this step: it is not one that the actor has begun and is still in. */
function begins(t: Run, n: number): boolean {
  const step = t.steps[n]!
  for (let i = n - 1; i >= 0; i--) {
    const before = t.steps[i]!
    if (before.actor !== step.actor || isOuter(step, before)) continue
    return !same(before, step) || (before.step === step.step && !step.step.includes(' > '))
  }
  return true
}

function goesOn(t: Run, n: number): boolean {
  const step = t.steps[n]!
  const next = t.steps.findIndex((s, i) => i > n && s.actor === step.actor)
  return next >= 0 && same(t.steps[next]!, step) && !begins(t, next)
}

const same = (a: Said, b: Said): boolean => a.statement === b.statement && a.place === b.place

const lastOf = (step: string): string => step.slice(step.lastIndexOf(': ') + (step.includes(': ') ? 2 : 1))
