import { type Element, h } from './markup.ts'
import { stepText } from '../timeline.ts'
import type { Scene } from './scene.ts'

/** Width of a lane. */
export const lane = 26

/** The lanes of one row: a line for each actor, a mark on that of the one who acts. Lines and mark differ in shape, not only in colour. */
export function gutter(
  actors: number,
  acting: number | undefined,
  mark: 'step' | 'now' | 'broken' | 'none',
): Element {
  const x = (i: number): number => i * lane + lane / 2
  const width = actors * lane
  // The first gives the width, the second is as high as the row: a policy that forbids inline style leaves no shorter way.
  return h(
    'span',
    { class: 'gutter' },
    h('svg', { width, height: 1, 'aria-hidden': 'true' }),
    h(
      'svg',
      { class: 'rails', width, height: '100%', 'aria-hidden': 'true' },
      Array.from({ length: actors }, (_, i) =>
        h('line', { class: `lane a${i % 6}`, x1: x(i), x2: x(i), y1: 0, y2: '100%' }),
      ),
      acting !== undefined && markAt(x(acting), 15, acting, mark),
    ),
  )
}

/** The mark of a step: a disc, a ringed one where we stand, a cross where it breaks. */
export function markAt(
  x: number,
  y: number,
  actor: number,
  mark: 'step' | 'now' | 'broken' | 'none',
): Element[] {
  if (mark === 'none') return []
  if (mark === 'broken')
    return [
      h('circle', { class: 'dot broken', cx: x, cy: y, r: 9 }),
      h('path', { class: 'cross', d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` }),
    ]
  return [
    ...(mark === 'now' ? [h('circle', { class: `ring a${actor % 6}`, cx: x, cy: y, r: 9 })] : []),
    h('circle', { class: `dot a${actor % 6}`, cx: x, cy: y, r: 5.5 }),
  ]
}

/** `P0` over its lane; a longer name by its number. */
export const laneName = (name: string, index: number): string => (name.length <= 3 ? name : `${index}`)

/**
 * The steps of a scene, one lane for each actor. `onStep` is called with the step that the reader wants to see; without it the list is only
 * to be read.
 */
export function timeline(scene: Scene, current: number, onStep?: (step: number) => void): Element {
  const { actors, steps, broken } = scene
  const n = actors.length
  const last = steps.length
  return h(
    'div',
    { class: 'timeline' },
    h(
      'ul',
      { class: 'actors' },
      actors.map((a, i) =>
        h(
          'li',
          {},
          h(
            'svg',
            { width: 14, height: 14, 'aria-hidden': 'true' },
            h('circle', { class: `dot a${i % 6}`, cx: 7, cy: 7, r: 5.5 }),
          ),
          h('b', {}, a.name),
          a.context !== '' && h('span', { class: 'context' }, a.context),
          a.role !== '' && h('span', { class: 'role' }, a.role),
        ),
      ),
    ),
    h(
      'div',
      { class: 'lane-names', 'aria-hidden': 'true' },
      actors.map((a, i) => h('span', { class: `a${i % 6}` }, laneName(a.name, i))),
    ),
    h(
      'ol',
      { class: 'steps' },
      h(
        'li',
        { class: current === 0 ? 'step start now' : 'step start' },
        gutter(n, undefined, 'none'),
        button(0, current, onStep, h('span', { class: 'statement' }, 'at first')),
      ),
      steps.map((s, i) => {
        const number = i + 1
        const text = stepText(scene, i)
        const within = text.startsWith(' ')
        const breaks = number === last && broken !== undefined
        return h(
          'li',
          { class: `step${number === current ? ' now' : ''}${number > current ? ' ahead' : ''}` },
          gutter(n, s.actor, breaks ? 'broken' : number === current ? 'now' : 'step'),
          button(
            number,
            current,
            onStep,
            h('span', { class: 'number' }, number),
            h('span', { class: 'who' }, `${actors[s.actor]?.name ?? '?'} `),
            h('span', { class: within ? 'statement within' : 'statement' }, text.trim()),
            s.place !== undefined && h('span', { class: 'place' }, s.place),
            s.changes.length > 0 &&
              h(
                'span',
                { class: 'changes' },
                s.changes.map((c) => h('span', {}, c)),
              ),
          ),
        )
      }),
    ),
    broken !== undefined &&
      h(
        'div',
        { class: 'breaks', role: 'note' },
        h('p', {}, h('b', {}, `✗ ${broken.code}`)),
        broken.promise !== '' && h('p', { class: 'promise' }, broken.promise),
        h('p', { class: 'detail' }, broken.detail),
      ),
  )
}

function button(
  step: number,
  current: number,
  onStep: ((step: number) => void) | undefined,
  ...children: Parameters<typeof h>[2][]
): Element {
  if (onStep === undefined) return h('div', { class: 'go' }, children)
  return h(
    'button',
    {
      class: 'go',
      type: 'button',
      'aria-current': step === current ? 'step' : undefined,
      onclick: () => onStep(step),
    },
    children,
  )
}
