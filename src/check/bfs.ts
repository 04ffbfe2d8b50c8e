import { Bug } from '../base/index.ts'
import { CompactStore, FULL, Store } from '../state/index.ts'
import { Choices } from './choices.ts'
import type { CheckOptions, CheckResult, Model, Violate, Violation } from './model.ts'
import { expanded, reduced } from './reduce.ts'
import { copyWords, equalWords, wordsOf } from './words.ts'
import { type Sighting, Witnesses } from './witness.ts'

/** How many states go by between two looks at the clock. */
const CLOCK = 256
const PROGRESS = 1 << 16

/**
 * Explores every state that a model can reach, breadth first and in one thread, so that each witness is a shortest
 * one and two runs give the same result. Whatever was violated, the search goes on behind it (unless `stopAtFirst`).
 *
 * Throws `Bug` for a model that breaks its contract: a step that does not repeat itself, a value that its column
 * cannot hold, symmetry that is not.
 */
export function check(model: Model, options: CheckOptions = {}): CheckResult {
  if (options.reduce !== true || model.quiet === undefined) return search(model, options)
  const few = search(reduced(model), options)
  const codes = new Set(few.violations.map((v) => v.code))
  const told = {
    ...few,
    violations: few.violations.map((v) => ({ ...v, trace: expanded(model, v.trace) })),
    ...(few.deadlock ? { deadlock: expanded(model, few.deadlock) } : {}),
    outcomes: few.outcomes.map((o) => ({ ...o, trace: expanded(model, o.trace) })),
  }
  if (codes.size === 0 && few.deadlock === undefined) return told
  // A step that brings quiet ones with it counts as one: its witnesses may be longer than they must be. A full search, up to the same finds,
  // has the shortest.
  const left = options.maxSeconds ? Math.max(options.maxSeconds - few.seconds, 0.001) : 0
  const all = search(model, { ...options, maxSeconds: left }, { codes, deadlock: few.deadlock !== undefined })
  const shortest = new Map(all.violations.map((v) => [v.code, v]))
  return {
    ...told,
    violations: told.violations.map((v) => shortest.get(v.code) ?? v),
    ...(told.deadlock ? { deadlock: all.deadlock ?? told.deadlock } : {}),
    seconds: few.seconds + all.seconds,
  }
}

/** `wanted`: the search is over when all that has been found. */
function search(
  model: Model,
  options: CheckOptions,
  wanted?: { readonly codes: ReadonlySet<string>; readonly deadlock: boolean },
): CheckResult {
  const start = performance.now()
  const { actors, layout } = model
  const packing = layout.packing()
  const canon = options.symmetry === false ? undefined : layout.canonicaliser()
  const limits = {
    ...(options.maxStates ? { maxRecords: options.maxStates } : {}),
    ...(options.maxBytes ? { maxBytes: options.maxBytes } : {}),
  }
  const compact = options.compact === true ? new CompactStore(packing.record, limits) : undefined
  const store = compact ?? new Store(packing.record, limits)
  const { candidate } = store
  const deadline = options.maxSeconds ? start + options.maxSeconds * 1000 : Number.POSITIVE_INFINITY
  const maxDepth = options.maxDepth || Number.POSITIVE_INFINITY

  const { state } = model
  const words = wordsOf(model)
  /** The state that is explored. */
  const current = new Int32Array(words.length)
  /** The representative of a successor; the successor itself where there is no symmetry. */
  const canonical = canon ? new Uint8Array(state.length) : state
  const canonicalWords = canon ? new Int32Array(canonical.buffer) : words
  const renaming = canon?.identity()

  const choices = new Choices()
  const raised: Violation[] = []
  const violate: Violate = (violation) => void raised.push(violation)
  const sightings = new Map<string, Sighting>()
  /** Keeps the first sighting of each code that was raised since the last call; says whether there was a new one. */
  const settle = (at: number, actor?: number): boolean => {
    const known = sightings.size
    for (const violation of raised.splice(0)) {
      if (sightings.has(violation.code)) continue
      const step = actor === undefined ? undefined : { actor, choices: choices.taken() }
      sightings.set(violation.code, { violation, at, step })
    }
    return sightings.size > known
  }
  const outcomes = new Map<string, { at: number; states: number }>()
  let deadlock: number | undefined
  let bound: CheckResult['bound']
  let edges = 0
  let depth = 0
  let levelEnd = 1

  layout.reset(state)
  model.init()
  if (canon) canon.canonicalise(state, canonical, renaming!)
  packing.pack(canonicalWords, candidate)
  if (store.add(-1) !== 0) throw new Bug('the bounds leave no room for the initial state')
  model.check?.(violate)
  if (raised.length > 0 && settle(0) && options.stopAtFirst) bound = { name: 'first', at: 1 }

  search: for (let at = 0; bound === undefined && at < store.count; at++) {
    if (at === levelEnd) {
      depth++
      levelEnd = store.count
    }
    if (depth >= maxDepth) {
      bound = { name: 'depth', at: maxDepth }
      break
    }
    if (at % CLOCK === 0 && performance.now() > deadline) {
      bound = { name: 'seconds', at: options.maxSeconds! }
      break
    }
    if (at % PROGRESS === 0) store.explored(at)
    if (at % PROGRESS === 0 && at > 0 && options.onProgress?.(store.count, depth) === true) {
      bound = { name: 'stopped', at: store.count }
      break
    }
    packing.unpack(store.slabOf(at), store.offsetOf(at), current)
    let over = true
    let stuck = true
    for (let actor = 0; actor < actors.length; actor++) {
      let ended = false
      choices.begin()
      do {
        copyWords(current, words)
        const went = model.step(actor, choices.choose, violate)
        if (raised.length > 0 && went === 'blocked') raised.length = 0
        if (raised.length > 0 && settle(at, actor) && options.stopAtFirst) {
          bound = { name: 'first', at: store.count }
          break search
        }
        if (went === 'ended') ended = true
        if (went !== 'moved') continue
        edges++
        if (canon) canon.canonicalise(state, canonical, renaming!)
        // The record of the successor: that of this state, with what changed put in.
        const slab = store.slabOf(at)
        const offset = store.offsetOf(at)
        for (let k = 0; k < candidate.length; k++) candidate[k] = slab[offset + k]!
        packing.repack(current, canonicalWords, candidate)
        const index = store.add(at)
        // A step that leaves all as it was is not progress.
        if (stuck) stuck = index === ~at && (canon === undefined || equalWords(words, current))
        if (index >= 0) {
          model.check?.(violate)
          if (raised.length > 0 && settle(index) && options.stopAtFirst) {
            bound = { name: 'first', at: store.count }
            break search
          }
        } else if (index === FULL) {
          bound =
            store.count === options.maxStates
              ? { name: 'states', at: store.count }
              : { name: 'bytes', at: options.maxBytes || store.bytes }
          break search
        }
      } while (choices.next())
      if (!ended && actors[actor]!.daemon !== true) over = false
    }
    if (over) {
      if (model.observe === undefined) continue
      copyWords(current, words)
      const text = model.observe()
      const seen = outcomes.get(text)
      if (seen === undefined) outcomes.set(text, { at, states: 1 })
      else seen.states++
    } else if (stuck) deadlock ??= at
    if (wanted && sightings.size >= wanted.codes.size && (deadlock !== undefined || !wanted.deadlock)) break
  }
  if (compact && bound === undefined) bound = { name: 'compact', at: compact.missed }

  const witnesses = new Witnesses(model, store, canon)
  const seconds = (): number => (performance.now() - start) / 1000
  const result = {
    complete: bound === undefined,
    ...(bound ? { bound } : {}),
    states: store.count,
    edges,
    depth: store.count > levelEnd ? depth + 1 : depth,
    violations: [...sightings.values()].map((s) => witnesses.violation(s)),
    ...(deadlock === undefined ? {} : { deadlock: witnesses.trace(deadlock) }),
    outcomes: [...outcomes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([text, { at, states }]) => ({ text, states, trace: witnesses.trace(at) })),
  }
  return { ...result, seconds: seconds() }
}
