import { Bug } from '../base/index.ts'
import type { Canonicaliser, CompactStore, Permutation, Store } from '../state/index.ts'
import { Choices } from './choices.ts'
import type { Model, Trace, TraceStep, Violate, Violation } from './model.ts'
import { equalWords, wordsOf } from './words.ts'

/** Where a violation was first seen: in a stored state, or in a step from it. */
export type Sighting = {
  readonly violation: Violation
  readonly at: number
  readonly step: { readonly actor: number; readonly choices: readonly number[] } | undefined
}

/** A stored state on a witness, with the names that it bears there. */
type Node = {
  readonly concrete: Uint8Array
  /** As it is stored: its representative. */
  readonly stored: Uint8Array
  /** Leads from the stored representative to `concrete`. */
  readonly naming: Permutation | undefined
  readonly step: TraceStep | undefined
  readonly parent: Node | undefined
}

/** A step that was run: the buffer holds its result. */
type Run = {
  readonly actor: number
  readonly choices: readonly number[]
  readonly moved: boolean
  readonly raised: readonly Violation[]
}

/**
 * Tells how a stored state is reached. The store knows each state's predecessor, not the step, so the steps of the
 * predecessor are run again until one gives the state. Under symmetry what is stored are representatives; the witness
 * is told in the names of the initial state: the permutation between the two is carried along, and the concrete step
 * found by running the concrete predecessor.
 */
export class Witnesses {
  readonly #model: Model
  readonly #store: Store | CompactStore
  readonly #canon: Canonicaliser | undefined
  readonly #words: Int32Array
  readonly #record: Int32Array
  readonly #nodes = new Map<number, Node>()
  readonly #choices = new Choices()

  constructor(model: Model, store: Store | CompactStore, canon: Canonicaliser | undefined) {
    this.#model = model
    this.#store = store
    this.#canon = canon
    this.#words = wordsOf(model)
    this.#record = new Int32Array(store.words)
  }

  /** A shortest way to a stored state. */
  trace(index: number): Trace {
    return traceTo(this.#node(index))
  }

  /** The violation in the words of its witness, and the witness. */
  violation({ violation, at, step }: Sighting): Violation & { readonly trace: Trace } {
    const { code } = violation
    const node = this.#node(at)
    if (step === undefined) {
      this.#model.state.set(node.concrete)
      const raised: Violation[] = []
      this.#model.check?.((v) => void raised.push(v))
      const here = raised.find((v) => v.code === code)
      if (here === undefined) throw asymmetric(`${code} is broken in one naming only`)
      return { ...here, trace: traceTo(node) }
    }
    const raises = (run: Run): boolean => run.raised.some((v) => v.code === code)
    const same = ({ actor, choices }: Run): boolean =>
      actor === step.actor && String(choices) === String(step.choices)
    let run: Run | undefined
    if (this.#canon === undefined) run = this.#find(node.concrete, same)
    else {
      const stored = this.#find(node.stored, same)
      const wanted = stored?.moved ? this.#renamed(this.#model.state, node.naming!) : undefined
      run = this.#find(
        node.concrete,
        (r) => raises(r) && (wanted === undefined ? !r.moved : r.moved && this.#holds(wanted)),
      )
    }
    const here = run?.raised.find((v) => v.code === code)
    if (run === undefined || here === undefined) throw asymmetric(`${code} is broken in one naming only`)
    return { ...here, trace: traceTo(this.#extend(node, run, undefined)) }
  }

  /** The state, and all before it, with their names. */
  #node(index: number): Node {
    const path: number[] = []
    let at = index
    while (at >= 0 && !this.#nodes.has(at)) {
      path.push(at)
      at = this.#store.parent(at)
    }
    let node = at < 0 ? undefined : this.#nodes.get(at)
    for (const child of path.reverse()) {
      node = node === undefined ? this.#root() : this.#child(node, child)
      this.#nodes.set(child, node)
    }
    return node!
  }

  #root(): Node {
    const { layout, state } = this.#model
    layout.reset(state)
    this.#model.init()
    const concrete = state.slice()
    if (this.#canon === undefined)
      return { concrete, stored: concrete, naming: undefined, step: undefined, parent: undefined }
    const { state: stored, by } = this.#canonicalise()
    return { concrete, stored, naming: this.#canon.inverse(by), step: undefined, parent: undefined }
  }

  #child(parent: Node, index: number): Node {
    const canon = this.#canon
    if (canon === undefined) {
      const run = this.#find(parent.concrete, (r) => r.moved && this.#stored(index, this.#words))
      if (run === undefined) throw new Bug('a step ran again from the same state and did something else')
      return this.#extend(parent, run, undefined)
    }
    let representative: { readonly state: Uint8Array; readonly by: Permutation } | undefined
    const stored = this.#find(parent.stored, (r) => {
      if (!r.moved) return false
      representative = this.#canonicalise()
      return this.#stored(index, new Int32Array(representative.state.buffer))
    })
    if (stored === undefined) throw new Bug('a step ran again from the same state and did something else')
    const concrete = this.#renamed(this.#model.state, parent.naming!)
    const run = this.#find(parent.concrete, (r) => r.moved && this.#holds(concrete))
    if (run === undefined)
      throw asymmetric(`${this.#model.actors[stored.actor]!.name} can take a step in one naming only`)
    const { state: as, by } = representative!
    return this.#extend(parent, run, canon.compose(canon.inverse(by), parent.naming!), as)
  }

  /** The node behind a step whose result the buffer holds. */
  #extend(parent: Node, run: Run, naming: Permutation | undefined, stored?: Uint8Array): Node {
    const { layout, state } = this.#model
    const after = run.moved ? state.slice() : parent.concrete
    state.set(parent.concrete)
    const step: TraceStep = {
      actor: run.actor,
      label: this.#model.label(run.actor),
      choices: run.choices,
      after,
      changes: layout.diff(parent.concrete, after),
    }
    return { concrete: after, stored: stored ?? after, naming, step, parent }
  }

  /** Runs the steps from a state, in the order of the search, up to the first that is meant. */
  #find(from: Uint8Array, meant: (run: Run) => boolean): Run | undefined {
    const { actors, state } = this.#model
    const choices = this.#choices
    let raised: Violation[] = []
    const violate: Violate = (violation) => void raised.push(violation)
    for (let actor = 0; actor < actors.length; actor++) {
      choices.begin()
      do {
        state.set(from)
        raised = []
        const went = this.#model.step(actor, choices.choose, violate)
        if (went === 'blocked') continue
        const run = { actor, choices: choices.taken(), moved: went === 'moved', raised }
        if (meant(run)) return run
      } while (choices.next())
    }
    return undefined
  }

  /** Whether this state is the one that is stored there. */
  #stored(index: number, words: Int32Array): boolean {
    this.#model.layout.packing().pack(words, this.#record)
    return this.#store.matches(index, this.#record)
  }

  #canonicalise(): { readonly state: Uint8Array; readonly by: Permutation } {
    const canon = this.#canon!
    const state = new Uint8Array(this.#model.layout.bytes)
    const by = canon.identity()
    canon.canonicalise(this.#model.state, state, by)
    return { state, by }
  }

  #renamed(state: Uint8Array, by: Permutation): Uint8Array {
    const out = new Uint8Array(state.length)
    this.#canon!.permute(state, by, out)
    return out
  }

  #holds(state: Uint8Array): boolean {
    return equalWords(this.#words, new Int32Array(state.buffer))
  }
}

function traceTo(node: Node): Trace {
  const steps: TraceStep[] = []
  let at = node
  for (; at.parent !== undefined; at = at.parent) steps.push(at.step!)
  return { initial: at.concrete, steps: steps.reverse() }
}

const asymmetric = (what: string): Bug =>
  new Bug(`the model does not treat the members of its symmetric sets alike: ${what}`)
