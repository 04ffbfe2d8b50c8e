import type { Cell, Insertion, Shape } from '../../src/flags/index.ts'
import { mount } from '../../src/report/page/mount.ts'
import { type Element as Drawn, h } from '../../src/report/picture/markup.ts'
import type { Setting } from './model.ts'

type Model = ReturnType<typeof tenureModel>

const names: Readonly<Record<string, string>> = { I: 'IO', P: 'PFNMAP', M: 'MIXEDMAP' }
const spelled = (letters: string): string =>
  letters === '-'
    ? 'none'
    : letters
        .split('')
        .map((l) => names[l] ?? l)
        .join(' ')

/** The flags table: computed in the page, a few cells at a time; a cell opens its test. */
export class FlagsView {
  readonly element = document.createElement('div')
  readonly #model: Model
  readonly #open: (text: string, setting: Setting) => void
  readonly #cells = new Map<string, Cell>()
  #kernel: string
  #other = ''
  #insert: Insertion | undefined
  #also: readonly string[] = []
  #onlyDifferent = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(model: Model, open: (text: string, setting: Setting) => void) {
    this.#model = model
    this.#open = open
    this.#kernel = model.settings.kernels.at(-1)!
    this.element.className = 'flags'
  }

  start(): void {
    this.#compute()
  }

  #shapes(): readonly Shape[] {
    return this.#model.flagShapes({ also: this.#also, insert: this.#insert })
  }

  #key(kernel: string, shape: Shape, question: string): string {
    return `${kernel} ${shape.insert} ${shape.also.join('+')} ${shape.letters}/${shape.share}/${question}`
  }

  /** What is missing, a few cells between two frames, so that the page stays what it is. */
  #compute(): void {
    clearTimeout(this.#timer)
    const wanted = [this.#kernel, ...(this.#other === '' ? [] : [this.#other])].flatMap((kernel) =>
      this.#shapes().flatMap((shape) => this.#model.flagQuestions.map((q) => ({ kernel, shape, q }))),
    )
    const missing = wanted.filter(
      ({ kernel, shape, q }) => !this.#cells.has(this.#key(kernel, shape, q.name)),
    )
    this.#draw(missing.length)
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
    mount(
      this.element,
      h(
        'div',
        { class: 'flags-bar' },
        pick(
          'Kernel',
          kernels.map((k) => [k, `Linux ${k}`]),
          this.#kernel,
          (to) => {
            this.#kernel = to
            this.#compute()
          },
        ),
        pick(
          'Beside',
          [['', 'nothing'], ...kernels.map((k): [string, string] => [k, `Linux ${k}`])],
          this.#other,
          (to) => {
            this.#other = to
            this.#compute()
          },
        ),
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
        ...(this.#other === ''
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
        'p',
        { class: 'flags-said' },
        `${this.#model.flagsNotModelled.join(' and ')}: not modelled. BUG: the kernel stops there.`,
      ),
    )
  }

  #table(share: 'shared' | 'private'): Drawn {
    const shapes = this.#shapes().filter((s) => s.share === share)
    const rows = this.#model.flagQuestions.filter(
      (q) => !this.#onlyDifferent || this.#other === '' || shapes.some((s) => this.#differs(s, q.name)),
    )
    return h(
      'table',
      { class: 'flags-table' },
      h('caption', {}, `${share} mappings`),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, h('span', { class: 'aside' }, 'question')),
          shapes.map((s) =>
            h('th', { scope: 'col', title: `inserted by ${s.insert}()` }, spelled(s.letters)),
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
            shapes.map((s) => h('td', {}, this.#cell(s, q.name))),
          ),
        ),
      ),
    )
  }

  #differs(shape: Shape, question: string): boolean {
    const a = this.#cells.get(this.#key(this.#kernel, shape, question))
    const b = this.#cells.get(this.#key(this.#other, shape, question))
    return a !== undefined && b !== undefined && a.answer !== b.answer
  }

  #cell(shape: Shape, question: string): Drawn {
    const a = this.#cells.get(this.#key(this.#kernel, shape, question))
    if (a === undefined) return h('span', { class: 'aside' }, '…')
    const b = this.#other === '' ? undefined : this.#cells.get(this.#key(this.#other, shape, question))
    const differs = b !== undefined && b.answer !== a.answer
    const text = differs ? `${a.answer} → ${b.answer}` : a.answer
    const q = this.#model.flagQuestions.find((x) => x.name === question)!
    return h(
      'button',
      {
        type: 'button',
        class: `flag-cell ${a.answer === 'yes' ? 'yes' : a.answer === 'BUG' ? 'bug' : 'no'}${differs ? ' differs' : ''}`,
        'data-cell': `${shape.letters}/${shape.share}/${question}`,
        'aria-label': `${spelled(shape.letters)}, ${shape.share}, ${question}: ${text}`,
        title: `${q.says}: open the test`,
        onclick: () =>
          this.#open(this.#model.flagTest(shape, q, this.#kernel), { kernel: this.#kernel, policies: {} }),
      },
      text,
    )
  }
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
