import { type Element, h, write } from './markup.ts'
import { stepText } from '../timeline.ts'
import { lane, laneName, markAt } from './lanes.ts'
import { memoryBody, planScene } from './memory.ts'
import { metrics } from './plan.ts'
import type { Scene } from './scene.ts'
import { picturePalette, pictureStyle } from './style.ts'

/** A step of a scene as a picture of its own, for a README or a slide: the run in lanes, and under it the memory behind the step. */
export function exportSvg(scene: Scene, step: number, width = 860): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${write(exportPicture(scene, step, width))}\n`
}

function exportPicture(scene: Scene, step: number, width: number): Element {
  const margin = 18
  const inner = width - 2 * margin
  const lines: Element[] = []
  const x0 = margin + scene.actors.length * lane + 10
  const chars = Math.floor((margin + inner - x0) / metrics.char)
  let y = margin + 16
  lines.push(
    h('text', { class: 'head', x: margin, y }, scene.title),
    h('text', { class: 'dim', x: margin + inner, y, 'text-anchor': 'end' }, scene.caption),
  )
  y += 24
  for (const [i, a] of scene.actors.entries()) {
    lines.push(
      h('circle', { class: `dot a${i % 6}`, cx: margin + 7, cy: y - 4, r: 5.5 }),
      h('text', { class: 'strong', x: margin + 20, y }, a.name),
      h(
        'text',
        { class: 'dim', x: margin + 24 + a.name.length * metrics.char, y },
        [a.context, a.role].filter((w) => w !== '').join(' · '),
      ),
    )
    y += 18
  }
  y += 12
  const top = y
  for (const [i, a] of scene.actors.entries())
    lines.push(
      h(
        'text',
        { class: 'lane-name', x: margin + i * lane + lane / 2, y: top, 'text-anchor': 'middle' },
        laneName(a.name, i),
      ),
    )
  y += 8
  const railTop = y
  const marks: Element[] = []
  for (const [i, s] of scene.steps.slice(0, step).entries()) {
    const breaks = i + 1 === scene.steps.length && scene.broken !== undefined
    const x = margin + s.actor * lane + lane / 2
    marks.push(...markAt(x, y + 10, s.actor, breaks ? 'broken' : i + 1 === step ? 'now' : 'step'))
    const place = s.place ?? ''
    lines.push(
      h(
        'text',
        { class: stepText(scene, i).startsWith(' ') ? 'within' : 'strong', x: x0, y: y + 14 },
        cut(stepText(scene, i), chars - place.length - 2),
      ),
    )
    if (place !== '')
      lines.push(h('text', { class: 'dim', x: margin + inner, y: y + 14, 'text-anchor': 'end' }, place))
    y += 20
    for (const l of s.changes.flatMap((c) => fold(c, chars - 2))) {
      lines.push(h('text', { class: 'dim', x: x0 + 14, y: y + 12 }, l))
      y += 16
    }
    y += 4
  }
  const rails = scene.actors.map((_, i) => {
    const x = margin + i * lane + lane / 2
    return h('line', { class: 'lane', x1: x, x2: x, y1: railTop, y2: y })
  })
  if (scene.broken !== undefined && step === scene.steps.length) {
    y += 18
    const { code, detail } = scene.broken
    lines.push(h('text', { class: 'bad', x: margin, y }, `✗ ${code}`))
    for (const l of fold(detail, Math.floor(inner / metrics.char))) {
      y += 17
      lines.push(h('text', { x: margin, y }, l))
    }
  }
  y += 24
  const planned = planScene(scene, inner)
  const memory = h(
    'g',
    { class: 'memory', transform: `translate(${margin} ${y})` },
    planned.columns.map((c) => h('text', { class: 'over', x: c.x + 1, y: 11 }, c.title)),
    memoryBody(scene, step, planned),
  )
  const height = y + planned.height + margin
  return h(
    'svg',
    {
      class: 'export',
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
    },
    h('title', {}, `${scene.title}${scene.broken ? `: ${scene.broken.code}` : ''}`),
    h('style', {}, `${picturePalette}${pictureStyle}${exportStyle}`),
    h('rect', { class: 'sheet', width, height, rx: 10 }),
    rails,
    marks,
    lines,
    memory,
  )
}

const exportStyle = `.export .sheet{fill:var(--paper)}.export text.head{font-weight:700;font-size:14px}.export text.strong{font-weight:700}.export text.dim{fill:var(--dim)}.export text.bad{fill:var(--bad);font-weight:700}.export text.lane-name{font-size:11px;fill:var(--dim);font-weight:700}`

const cut = (text: string, chars: number): string =>
  text.length > chars ? `${text.slice(0, Math.max(1, chars - 1))}…` : text

/** Text in lines of at most `chars`. */
function fold(text: string, chars: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > chars) lines.push(cut(word, chars))
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
