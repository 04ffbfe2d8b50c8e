import type { Thing, Timeline } from '../../litmus/index.ts'

/**
 * A run of a litmus test as something to look at: who acts, what each step does, and the things of the state before and after
 * each step. Plain data: a worker posts it, a report holds a thousand of them.
 */
export type Scene = {
  readonly title: string
  /** The kernel and the policies: what tells this run from the one beside it. */
  readonly caption: string
  readonly actors: readonly Actor[]
  readonly start: readonly Thing[]
  readonly steps: readonly SceneStep[]
  /** What the last step breaks. */
  readonly broken?: { readonly code: string; readonly promise: string; readonly detail: string }
}

export type Actor = { readonly name: string; readonly context: string; readonly role: string }

export type SceneStep = {
  readonly actor: number
  /** What the model calls the step, `follow_pfn: walk`. */
  readonly step: string
  readonly statement?: string
  /** `file:line` */
  readonly place?: string
  /** What it changed, in words. */
  readonly changes: readonly string[]
  /** The things that it changed or made, whole, and the ids of those that are gone. */
  readonly set: readonly Thing[]
  readonly gone: readonly string[]
}

/** The things after `step` steps, in a stable order. */
export function thingsAt(scene: Scene, step: number): ReadonlyMap<string, Thing> {
  const things = new Map(scene.start.map((t) => [t.id, t]))
  for (const { set, gone } of scene.steps.slice(0, step)) {
    for (const id of gone) things.delete(id)
    for (const t of set) things.set(t.id, t)
  }
  return things
}

/** What the step that led here changed: facts, flags and links by thing; facts that have left; things that are new; things that are gone. */
export type Difference = {
  readonly left: ReadonlyMap<string, readonly Word[]>
  readonly facts: ReadonlyMap<string, ReadonlySet<string>>
  readonly added: ReadonlySet<string>
  readonly gone: readonly Thing[]
}

export function differenceAt(scene: Scene, step: number): Difference {
  const facts = new Map<string, Set<string>>()
  const added = new Set<string>()
  const left = new Map<string, Word[]>()
  if (step === 0) return { facts, left, added, gone: [] }
  const before = thingsAt(scene, step - 1)
  const { set, gone } = scene.steps[step - 1]!
  for (const t of set) {
    const old = before.get(t.id)
    if (old === undefined) {
      added.add(t.id)
      continue
    }
    const changed = new Set<string>()
    // A mapping that has grown or moved: its first fact stands beside its title.
    if (old.title !== t.title) changed.add('')
    for (const name of new Set([...Object.keys(old.facts), ...Object.keys(t.facts)]))
      if (old.facts[name] !== t.facts[name]) changed.add(name)
    for (const flag of t.flags ?? []) if (!(old.flags ?? []).includes(flag)) changed.add(flag)
    if (old.names?.id !== t.names?.id || old.names?.stale !== t.names?.stale) changed.add('->')
    if (changed.size > 0) facts.set(t.id, changed)
    const words = wordsOf(old, false).filter(({ kind, key }) =>
      kind === 'flag' ? !(t.flags ?? []).includes(key) : t.facts[key] === undefined,
    )
    if (words.length > 0)
      left.set(
        t.id,
        words.map((w) => ({ ...w, kind: 'left' })),
      )
  }
  return { facts, left, added, gone: gone.flatMap((id) => before.get(id) ?? []) }
}

/** The words of a thing: facts, then flags. A row's title is its first word. */
export function wordsOf(thing: Thing, row: boolean): Word[] {
  return [
    ...(row ? [{ kind: 'title' as const, key: '', text: thing.title }] : []),
    ...Object.entries(thing.facts).map(([name, value]) => ({
      kind: 'fact' as const,
      key: name,
      text: name === '' ? value : `${name} ${value}`,
    })),
    ...(thing.flags ?? []).map((f) => ({ kind: 'flag' as const, key: f, text: f })),
  ]
}
export type Word = {
  readonly kind: 'title' | 'fact' | 'flag' | 'left'
  readonly key: string
  readonly text: string
}

/** A run, as `runLitmus` gives it with `memory`, as a scene. */
export function sceneOf(run: Timeline, title: string, caption: string, broken?: Scene['broken']): Scene {
  let before = run.memory ?? []
  return {
    title,
    caption,
    actors: run.actors,
    start: before,
    steps: run.steps.map(({ actor, step, statement, place, changes, memory = [] }) => {
      const difference = changesBetween(before, memory)
      before = memory
      return {
        actor,
        step,
        ...(statement === undefined ? {} : { statement }),
        ...(place === undefined ? {} : { place }),
        changes,
        ...difference,
      }
    }),
    ...(broken === undefined ? {} : { broken }),
  }
}

/** The changes from one list of things to the next, as a scene's step keeps them. */
function changesBetween(before: readonly Thing[], after: readonly Thing[]): Pick<SceneStep, 'set' | 'gone'> {
  const old = new Map(before.map((t) => [t.id, JSON.stringify(t)]))
  const now = new Set(after.map((t) => t.id))
  return {
    set: after.filter((t) => old.get(t.id) !== JSON.stringify(t)),
    gone: before.filter((t) => !now.has(t.id)).map((t) => t.id),
  }
}
