import type { Thing } from '../../litmus/index.ts'
import { differenceAt, type Scene, thingsAt, type Word, wordsOf } from './scene.ts'

/** A character of the pictures' font, and the heights of lines, in pixels. */
export const metrics = { char: 7.23, line: 18, head: 22, pad: 8, gap: 14, small: 6.63 } as const

/** Where a thing is drawn. The same at every step of a scene, so that nothing jumps. */
export type Place = {
  readonly id: string
  readonly kind: string
  readonly level: 'card' | 'box' | 'row'
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** The side on which lines to frames leave: toward the frames. */
  readonly side: 'left' | 'right'
}
export type Plan = {
  readonly width: number
  readonly height: number
  readonly places: ReadonlyMap<string, Place>
  /** Titles of the columns, and where they stand. */
  readonly columns: readonly { readonly title: string; readonly x: number }[]
}

/** A thing as the plan sees it: the most lines that it takes at any step. */
type Slot = { thing: Thing; lines: number; children: Slot[] }

/** Groups of things without a place of their own: one card for all of a kind. */
const groups: Readonly<Record<string, string>> = {
  dma: 'device mappings',
  fd: 'file descriptors',
}

/** Lays a scene out in a width: address spaces, frames, and everything else that reaches frames. */
export function plan(scene: Scene, width: number): Plan {
  const narrow = width < 620
  const gutter = narrow ? 34 : 64
  const frameWidth = narrow
    ? Math.max(118, Math.floor(width * 0.36))
    : Math.min(210, Math.floor(width * 0.27))
  const side = narrow ? width - frameWidth - gutter : Math.floor((width - frameWidth - 2 * gutter) / 2)
  const slots = slotsOf(scene, (level) => {
    const inner = level === 'frame' ? frameWidth : level === 'row' ? side - 4 * metrics.pad : side
    return Math.max(8, Math.floor((inner - 2 * metrics.pad) / metrics.char))
  })
  const left = slots.filter((s) => s.thing.kind === 'mm')
  const frames = slots.filter((s) => s.thing.kind === 'frame')
  const right = slots.filter((s) => s.thing.kind !== 'mm' && s.thing.kind !== 'frame')
  const places = new Map<string, Place>()
  const top = metrics.head
  const column = (list: readonly Slot[], x: number, w: number, from: number, toward: 'left' | 'right') => {
    let y = from
    for (const s of list) {
      y += put(places, s, 'card', x, y, w, toward) + metrics.gap
    }
    return y
  }
  const frameX = narrow ? side + gutter : side + gutter
  let height = column(frames, frameX, frameWidth, top, 'left')
  const leftEnd = column(left, 0, side, top, 'right')
  height = Math.max(height, leftEnd)
  const columns = [
    { title: 'address spaces', x: 0 },
    { title: 'frames', x: frameX },
  ]
  if (narrow) {
    if (right.length > 0) height = Math.max(height, column(right, 0, side, leftEnd, 'right'))
  } else {
    const x = frameX + frameWidth + gutter
    height = Math.max(height, column(right, x, side, top, 'left'))
    columns.push({ title: 'who else names them', x })
  }
  return {
    width,
    height: height - metrics.gap + 2,
    places,
    columns: left.length === 0 ? columns.slice(1) : columns,
  }
}

function put(
  places: Map<string, Place>,
  slot: Slot,
  level: Place['level'],
  x: number,
  y: number,
  width: number,
  side: Place['side'],
): number {
  const { pad, line, head } = metrics
  let height = level === 'row' ? slot.lines * line + 4 : head + slot.lines * line + (slot.lines > 0 ? 4 : 0)
  for (const c of slot.children) {
    const row = c.children.length === 0 && c.thing.kind !== 'vma'
    const inset = row ? 0 : pad
    height +=
      put(places, c, row ? 'row' : 'box', x + inset, y + height, width - 2 * inset, side) + (row ? 0 : pad)
  }
  if (
    level !== 'row' &&
    slot.children.length > 0 &&
    slot.children.at(-1)!.children.length === 0 &&
    slot.children.at(-1)!.thing.kind !== 'vma'
  )
    height += 3
  places.set(slot.thing.id, { id: slot.thing.id, kind: slot.thing.kind, level, x, y, width, height, side })
  return height
}

/** Every thing that the scene ever shows, nested, with the most lines that it takes. */
function slotsOf(scene: Scene, charsOf: (level: 'frame' | 'row' | 'card') => number): Slot[] {
  const slots = new Map<string, Slot>()
  const roots: Slot[] = []
  for (let step = 0; step <= scene.steps.length; step++) {
    const { left } = differenceAt(scene, step)
    for (const thing of thingsAt(scene, step).values()) {
      const known = slots.get(thing.id)
      const level =
        thing.kind === 'frame'
          ? 'frame'
          : thing.within === undefined && groups[thing.kind] === undefined
            ? 'card'
            : 'row'
      const words = wordsOf(thing, level === 'row' && thing.kind !== 'vma')
      const lines = linesOf([...words, ...(left.get(thing.id) ?? [])], charsOf(level)).length
      if (known) {
        known.lines = Math.max(known.lines, lines)
        continue
      }
      const slot: Slot = { thing, lines, children: [] }
      slots.set(thing.id, slot)
      const group = groups[thing.kind]
      const parent = thing.within ?? (group && `group ${thing.kind}`)
      if (parent === undefined) {
        roots.push(slot)
        continue
      }
      let holder = slots.get(parent)
      if (holder === undefined) {
        holder = {
          thing: { id: parent, kind: 'group', title: group ?? parent, facts: {} },
          lines: 0,
          children: [],
        }
        slots.set(parent, holder)
        roots.push(holder)
      }
      holder.children.push(slot)
    }
  }
  return roots.filter((s) => s.lines > 0 || s.children.length > 0 || s.thing.kind !== 'actor')
}

export function linesOf(words: readonly Word[], chars: number): Word[][] {
  const lines: Word[][] = []
  let used = 0
  for (const w of words) {
    const text = w.text.length > chars ? `${w.text.slice(0, chars - 1)}…` : w.text
    const word = { ...w, text }
    if (lines.length === 0 || used + 2 + text.length > chars) {
      lines.push([word])
      used = text.length
    } else {
      lines.at(-1)!.push(word)
      used += 2 + text.length
    }
  }
  return lines
}
