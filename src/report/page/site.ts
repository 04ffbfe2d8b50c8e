import type { Site } from '../../audit/result.ts'
import { type Element as Drawn, h, type Markup } from '../picture/markup.ts'
import type { Scene } from '../picture/scene.ts'
import { mount } from './mount.ts'
import { Viewer } from './viewer.ts'

export const signs = { broken: '✗', unknown: '?', holds: '✓' } as const
/** `holds` is good, `broken` is bad; the words are the report's own. */
export const tones = { broken: 'bad', unknown: 'unknown', holds: 'good' } as const

/** A finding in full: what the code does, where the value goes, the run that breaks it, the repair, the test. Filled once, when it is opened. */
export function showSite(
  into: HTMLElement,
  site: Site,
  index: number,
  scene: Scene | undefined,
  lines: Readonly<Record<string, Readonly<Record<number, string>>>>,
  tryIt?: (litmus: string) => void,
  blame: readonly string[] = [],
): void {
  const { repair, witness, litmus } = site
  const again = witness?.replay ?? site.replay
  const facts: [string, string][] = [
    ['call', `${site.api} in ${site.function}`],
    ['guard', site.guard === '' ? 'none' : site.guard],
    ['hold', site.hold],
    ...(site.flags.length > 0 ? [['flags', site.flags.join(' | ')] as [string, string]] : []),
    ...(site.classes.length > 0 ? [['class', site.classes.join(', ')] as [string, string]] : []),
    ...(site.contract === undefined ? [] : [['contract', site.contract] as [string, string]]),
    ...(site.reason === undefined ? [] : [['unknown because', site.reason] as [string, string]]),
    ...blame.map((text): [string, string] => ['why now', text]),
  ]
  const test = (title: string, text: string): Markup =>
    h(
      'details',
      { class: 'test' },
      h('summary', {}, title),
      h('pre', { tabindex: 0, 'aria-label': title }, text),
      tryIt !== undefined && h('button', { type: 'button', onclick: () => tryIt(text) }, 'Open it as a test'),
    )
  mount(
    into,
    h('p', { class: 'summary' }, site.summary),
    h(
      'dl',
      { class: 'facts' },
      facts.map(([k, v]) => [h('dt', {}, k), h('dd', {}, v)]),
    ),
    excerpt(site, lines),
    ...(site.escapes.length > 0
      ? [
          h('h4', {}, 'Where the value goes'),
          h(
            'ol',
            { class: 'hops' },
            site.escapes.map((e) =>
              h(
                'li',
                {},
                h('code', {}, `${e.file}:${e.line}`),
                ` ${e.text}`,
                e.file !== site.file &&
                  lines[e.file]?.[e.line] !== undefined &&
                  h('code', { class: 'line' }, lines[e.file]![e.line]!.trim()),
              ),
            ),
          ),
        ]
      : []),
    ...(scene === undefined ? [] : [h('h4', {}, 'How it breaks')]),
    h('div', { class: 'scene', 'data-foreign': true }),
    ...(repair === undefined
      ? []
      : [
          h('h4', {}, `Repair: ${repair.name}`),
          h('p', {}, repair.text),
          h('p', { class: 'checked' }, `✓ Checked: every promise holds in all ${repair.states} states.`),
          ...(repair.tried.length > 0
            ? [
                h(
                  'ul',
                  { class: 'tried' },
                  repair.tried.map((t) => h('li', {}, `✗ ${t.name}: still breaks ${t.breaks}`)),
                ),
              ]
            : []),
          test('The repaired test', repair.litmus),
        ]),
    ...(litmus === undefined
      ? []
      : [
          test(
            `The test that decides it: ${litmus.name}, ${litmus.states} states${litmus.complete ? '' : ', not complete'}`,
            litmus.text,
          ),
        ]),
    ...(again === undefined ? [] : [h('p', { class: 'replay' }, 'See it again: ', h('code', {}, again))]),
  )
  if (scene !== undefined) {
    const viewer = new Viewer(withPlaces(scene, site), {})
    viewer.element.id = `run-${index}`
    into.querySelector('.scene')?.append(viewer.element)
  }
}

/** The run with the places of this site: sites whose tests are equal share a scene. */
function withPlaces(scene: Scene, { witness, file, line }: Site): Scene {
  const title = `${file}:${line}`
  if (witness === undefined || witness.steps.length !== scene.steps.length) return { ...scene, title }
  return {
    ...scene,
    title,
    steps: scene.steps.map((step, i) => {
      const own = witness.steps[i]!
      return {
        ...step,
        ...(own.statement === undefined ? {} : { statement: own.statement }),
        ...(own.place === undefined ? {} : { place: own.place }),
      }
    }),
  }
}

/** The lines around the call, and others of its file that the run goes through; the number of the step stands beside them. */
function excerpt(site: Site, lines: Readonly<Record<string, Readonly<Record<number, string>>>>): Drawn {
  const own = lines[site.file] ?? {}
  const stepsAt = new Map<number, number[]>()
  for (const [i, s] of (site.witness?.steps ?? []).entries()) {
    const [, file, line] = /^(.*):(\d+)$/.exec(s.place ?? '') ?? []
    if (file === site.file) stepsAt.set(Number(line), [...(stepsAt.get(Number(line)) ?? []), i + 1])
  }
  const numbers = Object.keys(own)
    .map(Number)
    .sort((a, b) => a - b)
  if (numbers.length === 0) return h('p', { class: 'place' }, h('code', {}, `${site.file}:${site.line}`))
  return h(
    'table',
    { class: 'excerpt' },
    h('caption', {}, site.file),
    h(
      'tbody',
      {},
      numbers.flatMap((n, i) => [
        ...(i > 0 && numbers[i - 1] !== n - 1
          ? [h('tr', { class: 'cut' }, h('td', {}, '⋯'), h('td', {}), h('td', {}))]
          : []),
        h(
          'tr',
          { class: n === site.line ? `at ${tones[site.verdict]}` : stepsAt.has(n) ? 'on' : '' },
          h('td', { class: 'n' }, n),
          h(
            'td',
            { class: 's' },
            n === site.line ? signs[site.verdict] : stepsAt.has(n) ? stepsAt.get(n)!.join(' ') : '',
          ),
          h('td', {}, h('code', {}, (own[n] ?? '').replaceAll('\t', '    '))),
        ),
      ]),
    ),
  )
}
