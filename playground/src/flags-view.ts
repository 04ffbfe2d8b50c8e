import type { Cell, Insertion, Shape } from '../../src/flags/index.ts'
import { mount } from '../../src/report/page/mount.ts'
import { type Element as Drawn, h } from '../../src/report/picture/markup.ts'
import type { Setting } from './model.ts'

type Model = ReturnType<typeof tenureModel>

/** What the table shows: on which kernels, of which combinations. */
export type FlagsShown = { readonly kernels: readonly string[]; readonly combinations: readonly string[] }

/** The flags table: computed in the page, a few cells at a time; a column for each kernel, and a cell opens its test. */
export class FlagsView {
  readonly element = document.createElement('div')
  readonly #model: Model
  readonly #events: { onOpen: (text: string, setting: Setting) => void; onChange: () => void }
  readonly #cells = new Map<string, Cell>()
  #kernels: readonly string[]
  #combinations: readonly string[]
  #insert: Insertion | undefined
  #also: readonly string[] = []
  #onlyDifferent = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    model: Model,
    events: { onOpen: (text: string, setting: Setting) => void; onChange: () => void },
  ) {
    this.#model = model
    this.#events = events
    this.#kernels = model.settings.kernels.slice(-1)
    this.#combinations = model.flagCombinations
    this.element.className = 'flags'
  }

  get shown(): FlagsShown {
    return { kernels: this.#kernels, combinations: this.#combinations }
  }

  /** Shows what a link asks for; what it does not say stays. */
  show({ kernels, combinations }: FlagsShown): void {
    const asked = this.#model.settings.kernels.filter((k) => kernels.includes(k))
    const of = this.#model.flagCombinations.filter((c) => combinations.includes(c))
    if (asked.length > 0) this.#kernels = asked
    if (of.length > 0) this.#combinations = of
    this.#compute()
  }

  #shapes(): readonly Shape[] {
    return this.#model
      .flagShapes({ also: this.#also, insert: this.#insert })
      .filter((s) => this.#combinations.includes(s.letters))
  }

  #key(kernel: string, shape: Shape, question: string): string {
    return `${kernel} ${shape.insert} ${shape.also.join('+')} ${shape.letters}/${shape.share}/${question}`
  }

  /** What is missing, a few cells between two frames, so that the page stays what it is. */
  #compute(): void {
    clearTimeout(this.#timer)
    const missing = this.#kernels
      .flatMap((kernel) =>
        this.#shapes().flatMap((shape) => this.#model.flagQuestions.map((q) => ({ kernel, shape, q }))),
      )
      .filter(({ kernel, shape, q }) => !this.#cells.has(this.#key(kernel, shape, q.name)))
    this.#draw(missing.length)
    this.#events.onChange()
    const some = (): void => {
      const until = performance.now() + 12
      for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
        const { kernel, shape, q } = next
        this.#cells.set(this.#key(kernel, shape, q.name), this.#model.flagCell(shape, q, kernel, {}))
        if (performance.now() > until) break
      }
      if (missing.length % 16 === 0 || missing.length < 4) this.#draw(missing.length)
      if (missing.length > 0) this.#timer = setTimeout(some)
      else this.#draw(0)
    }
    if (missing.length > 0) this.#timer = setTimeout(some)
  }

  #draw(missing: number): void {
    const { kernels } = this.#model.settings
    const all = this.#model.flagCombinations
    mount(
      this.element,
      h(
        'div',
        { class: 'flags-bar' },
        toggles(
          'Kernels',
          kernels,
          this.#kernels,
          (k) => k,
          (to) => {
            this.#kernels = to
            this.#compute()
          },
        ),
        toggles('Flags', all, this.#combinations, this.#model.flagsSpelled, (to) => {
          this.#combinations = to
          this.#compute()
        }),
        pick(
          'Inserted by',
          [
            ['', 'what goes with the flags'],
            ...this.#model.flagInsertions.map((i): [string, string] => [i, `${i}()`]),
          ],
          this.#insert ?? '',
          (to) => {
            this.#insert = this.#model.flagInsertions.find((i) => i === to)
            this.#compute()
          },
        ),
        ...['VM_DONTEXPAND', 'VM_DONTCOPY'].map((flag) =>
          tick(flag, this.#also.includes(flag), (on) => {
            this.#also = on ? [...this.#also, flag].sort() : this.#also.filter((f) => f !== flag)
            this.#compute()
          }),
        ),
        ...(this.#kernels.length < 2
          ? []
          : [
              tick('Only what differs', this.#onlyDifferent, (on) => {
                this.#onlyDifferent = on
                this.#draw(0)
              }),
            ]),
      ),
      h(
        'p',
        { class: 'flags-said', role: 'status' },
        missing > 0
          ? `Running the model: ${missing} cells to go`
          : 'Every cell is a litmus test that was run here. Choose one to open it.',
      ),
      ...(['shared', 'private'] as const).map((share) => this.#table(share)),
      h(
        'dl',
        { class: 'flags-legend' },
        [
          ['✓', 'a real kernel of this version was asked, and says the same'],
          ['→', 'other than in the kernel before'],
          ['yes!', 'works, and breaks a promise'],
          ['BUG', 'the kernel stops there'],
          ['…', 'not run yet'],
        ].map(([sign, says]) => [h('dt', {}, sign!), h('dd', {}, says!)]),
      ),
    )
  }

  #table(share: 'shared' | 'private'): Drawn {
    const several = this.#kernels.length > 1
    const only = several && this.#onlyDifferent
    const shapes = this.#shapes()
      .filter((s) => s.share === share)
      .filter((s) => !only || this.#model.flagQuestions.some((q) => this.#differs(s, q.name)))
    const rows = this.#model.flagQuestions.filter(
      (q) => !only || shapes.some((s) => this.#differs(s, q.name)),
    )
    if (rows.length === 0)
      return h('p', { class: 'flags-said' }, `${share} mappings: no cell differs between these kernels.`)
    return h(
      'table',
      { class: 'flags-table', tabindex: 0 },
      h('caption', {}, `${share} mappings`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col', rowspan: several ? 2 : 1 }, h('span', { class: 'aside' }, 'question')),
          shapes.map((s) =>
            h(
              'th',
              {
                scope: 'colgroup',
                colspan: this.#kernels.length,
                class: 'group',
                title: `inserted by ${s.insert}()`,
              },
              this.#model.flagsSpelled(s.letters),
            ),
          ),
        ),
        several &&
          h(
            'tr',
            {},
            shapes.flatMap(() =>
              this.#kernels.map((k, i) => h('th', { scope: 'col', class: i === 0 ? 'group' : '' }, k)),
            ),
          ),
      ),
      h(
        'tbody',
        {},
        rows.map((q) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row', title: q.says }, q.name),
            shapes.flatMap((s) =>
              this.#kernels.map((k, i) =>
                h('td', { class: i === 0 ? 'group' : '' }, this.#cell(s, q.name, k, this.#kernels[i - 1])),
              ),
            ),
          ),
        ),
      ),
    )
  }

  #answer(kernel: string, shape: Shape, question: string): string | undefined {
    const cell = this.#cells.get(this.#key(kernel, shape, question))
    return cell && `${cell.answer}${cell.broken.length > 0 ? '!' : ''}`
  }

  #differs(shape: Shape, question: string): boolean {
    return new Set(this.#kernels.map((k) => this.#answer(k, shape, question))).size > 1
  }

  #cell(shape: Shape, question: string, kernel: string, before: string | undefined): Drawn {
    const answer = this.#answer(kernel, shape, question)
    if (answer === undefined) return h('span', { class: 'aside' }, '…')
    const was = before === undefined ? undefined : this.#answer(before, shape, question)
    const differs = was !== undefined && was !== answer
    const q = this.#model.flagQuestions.find((x) => x.name === question)!
    const name = `${shape.letters}/${shape.share}/${question}`
    const confirmed =
      this.#also.length === 0 && this.#insert === undefined && this.#model.flagsConfirmed(kernel).has(name)
    return h(
      'button',
      {
        type: 'button',
        class: `flag-cell ${answer === 'yes' ? 'yes' : answer === 'BUG' ? 'bug' : 'no'}${differs ? ' differs' : ''}`,
        'data-cell': name,
        'data-kernel': kernel,
        'aria-label': `${this.#model.flagsSpelled(shape.letters)}, ${shape.share}, ${question}, Linux ${kernel}: ${answer}${differs ? `, other than in ${before}` : ''}${confirmed ? ', confirmed by a real kernel' : ''}`,
        title: `${q.says}: open the test`,
        onclick: () => this.#events.onOpen(this.#model.flagTest(shape, q, kernel), { kernel, policies: {} }),
      },
      differs && h('span', { class: 'sign' }, '→'),
      h('span', { class: 'answer' }, answer),
      confirmed && h('span', { class: 'confirmed' }, '✓'),
    )
  }
}

/** Buttons of which some are pressed; one at least stays so. */
function toggles(
  label: string,
  all: readonly string[],
  on: readonly string[],
  text: (value: string) => string,
  onPick: (values: readonly string[]) => void,
): Drawn {
  return h(
    'div',
    { class: 'toggles', role: 'group', 'aria-label': label },
    h('span', { class: 'field' }, label),
    all.map((value) =>
      h(
        'button',
        {
          type: 'button',
          class: 'chip',
          'aria-pressed': String(on.includes(value)),
          onclick: () => {
            const to = all.filter((v) => (v === value) !== on.includes(v))
            if (to.length > 0) onPick(to)
          },
        },
        text(value),
      ),
    ),
    on.length < all.length &&
      h(
        'button',
        { type: 'button', class: 'quiet', 'aria-label': `${label}: all`, onclick: () => onPick(all) },
        'all',
      ),
  )
}

function pick(
  label: string,
  options: readonly (readonly [string, string])[],
  value: string,
  onPick: (value: string) => void,
): Drawn {
  return h(
    'label',
    { class: 'field' },
    h('span', {}, label),
    h(
      'select',
      { name: label, value, onchange: (e: Event) => onPick((e.target as HTMLSelectElement).value) },
      options.map(([v, text]) => h('option', { value: v, selected: v === value }, text)),
    ),
  )
}

const tick = (label: string, on: boolean, onTick: (on: boolean) => void): Drawn =>
  h(
    'label',
    { class: 'field' },
    h('input', {
      type: 'checkbox',
      checked: on,
      onchange: (e: Event) => onTick((e.target as HTMLInputElement).checked),
    }),
    h('span', {}, label),
  )
