import type { Thing } from '../../litmus/index.ts'
import { type Element, h } from './markup.ts'
import { linesOf, metrics, type Place, type Plan, plan } from './plan.ts'
import { type Difference, differenceAt, type Scene, thingsAt, type Word, wordsOf } from './scene.ts'

/**
 * The memory behind a step of a scene, as SVG: address spaces on the left, frames in the middle, everything else that names a frame on
 * the right; a line from each name to its frame. What the step changed is marked, what is gone fades, a name that is no longer true is dashed.
 */
export function memoryPicture(scene: Scene, step: number, planned: Plan): Element {
  const { width, height, columns } = planned
  return h(
    'svg',
    {
      class: 'memory',
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': `The memory ${step === 0 ? 'at first' : `behind step ${step}`}: ${inWords(scene, step)}`,
    },
    memoryBody(scene, step, planned),
    columns.map((c) => h('text', { class: 'over', x: c.x + 1, y: 11 }, c.title)),
  )
}

/** The drawing without its frame, for a picture that has more in it. */
export function memoryBody(scene: Scene, step: number, { places }: Plan): Element {
  const things = thingsAt(scene, step)
  const difference = differenceAt(scene, step)
  const hit = step === scene.steps.length ? mentioned(scene, things) : new Set<string>()
  const ghosts = new Map(difference.gone.map((t) => [t.id, t]))
  const drawn: Element[] = []
  for (const place of places.values()) {
    const thing = things.get(place.id) ?? ghosts.get(place.id)
    if (thing !== undefined) drawn.push(drawThing(thing, place, difference, ghosts.has(place.id), hit))
    else if (
      place.kind === 'group' &&
      [...things.values(), ...ghosts.values()].some((t) => inGroup(t, place))
    )
      drawn.push(
        drawThing(
          { id: place.id, kind: 'group', title: groupTitle(place), facts: {} },
          place,
          difference,
          false,
          hit,
        ),
      )
  }
  // Cards first, so that what stands in them is on top; then the lines.
  drawn.sort((a, b) => Number(a.attributes['data-level']) - Number(b.attributes['data-level']))
  return h('g', {}, drawn, linesToFrames(things, places, difference))
}

export const planScene = (scene: Scene, width: number): Plan => plan(scene, width)

const inGroup = (t: Thing, place: Place): boolean => t.within === undefined && place.id === `group ${t.kind}`
const groupTitles: Readonly<Record<string, string>> = {
  'group dma': 'device mappings',
  'group fd': 'file descriptors',
}
const groupTitle = (place: Place): string => groupTitles[place.id] ?? place.id

function drawThing(
  thing: Thing,
  place: Place,
  difference: Difference,
  ghost: boolean,
  hit: ReadonlySet<string>,
): Element {
  const { pad, char, line, head } = metrics
  const { x, y, width, height, level } = place
  const { facts, added } = difference
  const changed = facts.get(thing.id)
  const isHit = hit.has(thing.id)
  const row = level === 'row'
  const words = [...wordsOf(thing, row), ...(difference.left.get(thing.id) ?? [])]
  const chars = Math.max(8, Math.floor((width - 2 * pad) / char))
  const from = row ? y + 14 : y + head + 12
  const texts = linesOf(words, chars).flatMap((ws, i) => {
    let at = x + pad
    return ws.flatMap((w) => {
      const here = at
      at += (w.text.length + 2) * char
      return word(
        w,
        here,
        from + i * line,
        changed?.has(w.key) === true || (w.kind === 'title' && changed?.has('->') === true),
      )
    })
  })
  const classes = [
    'thing',
    level,
    thing.kind,
    ...(thing.idle === true ? ['idle'] : []),
    ...(ghost ? ['gone'] : []),
    ...(added.has(thing.id) ? ['added'] : []),
    ...(isHit ? ['hit'] : []),
  ]
  return h(
    'g',
    {
      class: classes.join(' '),
      'data-thing': thing.id,
      'data-level': level === 'card' ? 0 : level === 'box' ? 1 : 2,
    },
    row
      ? (added.has(thing.id) || isHit) &&
          h('rect', { class: 'ground', x: x + 3, y: y + 1, width: width - 6, height: height - 2, rx: 4 })
      : h('rect', {
          class: 'ground',
          x: x + 0.75,
          y: y + 0.75,
          width: width - 1.5,
          height: height - 1.5,
          rx: level === 'card' ? 7 : 5,
        }),
    !row && h('text', { class: 'title', x: x + pad, y: y + 15 }, fit(thing.title, chars)),
    isHit && h('text', { class: 'mark', x: x + width - pad, y: y + 15, 'text-anchor': 'end' }, '✗'),
    texts,
    ghost &&
      h('line', { class: 'strike', x1: x + 4, y1: y + height / 2, x2: x + width - 4, y2: y + height / 2 }),
  )
}

function word(w: Word, x: number, y: number, changed: boolean): (Element | false)[] {
  const { char } = metrics
  const space = w.kind !== 'title' && w.kind !== 'flag' && w.key !== '' ? w.key.length + 1 : 0
  return [
    ...(changed
      ? [
          h('rect', {
            class: 'changed',
            x: x - 3,
            y: y - 12,
            width: w.text.length * char + 6,
            height: 16,
            rx: 3,
          }),
        ]
      : []),
    w.kind === 'left' &&
      h('line', { class: 'strike', x1: x - 2, x2: x + w.text.length * char + 2, y1: y - 4, y2: y - 4 }),
    space > 0 && w.text.length > space
      ? h(
          'text',
          { class: `fact${changed ? ' new' : ''}`, x, y },
          h('tspan', { class: 'key' }, w.text.slice(0, space)),
          h('tspan', { class: 'value' }, w.text.slice(space)),
        )
      : h('text', { class: `${w.kind}${changed ? ' new' : ''}`, x, y }, w.text),
  ]
}

const fit = (text: string, chars: number): string =>
  text.length > chars ? `${text.slice(0, chars - 1)}…` : text

/** A line from each thing that names a frame to the frame, spread over the frame's edge so that they can be told apart. */
function linesToFrames(
  things: ReadonlyMap<string, Thing>,
  places: ReadonlyMap<string, Place>,
  { facts, added }: Difference,
): Element {
  const ends = new Map<string, { thing: Thing; from: Place; to: Place }[]>()
  for (const thing of things.values()) {
    const from = places.get(thing.id)
    const to = thing.names && places.get(thing.names.id)
    if (from === undefined || to === undefined) continue
    const key = `${to.id} ${from.side}`
    const list = ends.get(key)
    if (list) list.push({ thing, from, to })
    else ends.set(key, [{ thing, from, to }])
  }
  const out: Element[] = []
  for (const list of ends.values()) {
    list.sort((a, b) => a.from.y - b.from.y)
    for (const [i, { thing, from, to }] of list.entries()) {
      const x1 = from.side === 'right' ? from.x + from.width - 1 : from.x + 1
      const y1 = from.y + (from.level === 'row' ? 10 : 11)
      const x2 = from.side === 'right' ? to.x - 1 : to.x + to.width + 1
      const y2 = to.y + (to.height * (i + 1)) / (list.length + 1)
      const back = from.side === 'right' ? -1 : 1
      const bend = Math.max(14, Math.abs(x2 - x1) / 2)
      const stale = thing.names?.stale === true
      const fresh = added.has(thing.id) || facts.get(thing.id)?.has('->') === true
      out.push(
        h(
          'g',
          { class: `link${stale ? ' stale' : ''}${fresh ? ' new' : ''}` },
          h('path', {
            d: `M${x1} ${round(y1)}C${round(x1 - back * bend)} ${round(y1)} ${round(x2 + back * bend)} ${round(y2)} ${round(x2 + back * 6)} ${round(y2)}`,
          }),
          h('circle', { cx: x1, cy: round(y1), r: 2.5 }),
          h('polygon', {
            points: `${x2},${round(y2)} ${x2 + back * 7},${round(y2 - 3.5)} ${x2 + back * 7},${round(y2 + 3.5)}`,
          }),
          stale &&
            h(
              'text',
              {
                class: 'cross',
                x: round((x1 + x2) / 2),
                y: round((y1 + y2) / 2 + 5),
                'text-anchor': 'middle',
              },
              '✕',
            ),
        ),
      )
    }
  }
  return h('g', { class: 'links' }, out)
}

const round = (n: number): number => Math.round(n * 10) / 10

/** The things that the broken promise's own words speak of. */
function mentioned(scene: Scene, things: ReadonlyMap<string, Thing>): Set<string> {
  const hit = new Set<string>()
  if (scene.broken === undefined) return hit
  const said = new Set(scene.broken.detail.match(/[\w:]+/g))
  for (const t of things.values())
    if (said.has(t.title) && (t.kind === 'frame' || t.names !== undefined)) hit.add(t.id)
  return hit
}

/** The state in words, for those who cannot see it. */
function inWords(scene: Scene, step: number): string {
  return [...thingsAt(scene, step).values()]
    .map((t) => {
      const facts = wordsOf(t, false).map((w) => w.text)
      const names = t.names ? [`names ${t.names.id}${t.names.stale ? ', stale' : ''}`] : []
      return `${t.title}${facts.length + names.length > 0 ? `: ${[...facts, ...names].join(', ')}` : ''}`
    })
    .join('; ')
}
