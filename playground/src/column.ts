import type { LitmusResult, Timeline } from '../../src/litmus/index.ts'
import { mount } from '../../src/report/page/mount.ts'
import { Viewer } from '../../src/report/page/viewer.ts'
import { exportSvg } from '../../src/report/picture/export.ts'
import { type Element as Drawn, h } from '../../src/report/picture/markup.ts'
import { type Scene, sceneOf } from '../../src/report/picture/scene.ts'
import { renderBroken, renderTimeline } from '../../src/report/timeline.ts'
import { type Checking, check, Stopped } from './checker.ts'
import { copy, download } from './hand-out.ts'
import type { Column as Linked } from './link.ts'
import type { Run, Setting } from './model.ts'

type Model = ReturnType<typeof tenureModel>
type Chosen = { readonly key: string; readonly scene: Scene; readonly text: () => string }

export type ColumnEvents = {
  /** Another kernel or policy, another run or step: what a link should hold has changed. */
  onChange: () => void
  /** The reader went to another step. */
  onStep: (step: number) => void
  onSetting: () => void
  onRemove: () => void
  onSay: (text: string) => void
}

/** A test on one kernel: choose it, run, see what comes out, step through a run. */
export class Column {
  readonly element = document.createElement('section')
  setting: Setting
  #wanted: { run?: string; step?: number }
  readonly #model: Model
  readonly #events: ColumnEvents
  readonly #top = document.createElement('div')
  #viewer: Viewer | undefined
  #checking: Checking | undefined
  #progress: { states: number; depth: number } | undefined
  #run: Run | undefined
  #failed: string | undefined
  #chosen: Chosen | undefined
  #removable = false
  /** The text that the run is of. */
  #text = ''

  constructor(model: Model, linked: Linked, events: ColumnEvents) {
    this.#model = model
    this.#events = events
    this.setting = { kernel: linked.kernel, policies: linked.policies }
    this.#wanted = linked
    this.element.className = 'column'
    this.element.append(this.#top)
    this.#draw()
  }

  /** What a link says of it. */
  get link(): Linked {
    return {
      ...this.setting,
      ...(this.#chosen
        ? { run: this.#chosen.key }
        : this.#wanted.run === undefined
          ? {}
          : { run: this.#wanted.run }),
      ...(this.#viewer && this.#chosen ? { step: this.#viewer.step } : {}),
    }
  }

  set removable(value: boolean) {
    this.#removable = value
    this.#draw()
  }

  /** Goes to a step, or to the last one if there are fewer. */
  goTo(step: number): void {
    if (this.#viewer !== undefined && this.#viewer.step !== step) this.#viewer.goTo(step)
  }

  /** Forgets where the reader was: another test. */
  reset(): void {
    this.#wanted = {}
    this.#chosen = undefined
  }

  /** Checks a text; whatever was under way is stopped. */
  async check(text: string): Promise<void> {
    this.stop()
    this.#text = text
    this.#failed = undefined
    this.#progress = { states: 0, depth: 0 }
    const mine = check(text, this.setting, (states, depth) => {
      this.#progress = { states, depth }
      this.#draw()
    })
    this.#checking = mine
    this.#draw()
    try {
      const run = await mine.done
      if (this.#checking !== mine) return
      this.#run = run
      this.#choose()
    } catch (e) {
      if (this.#checking !== mine) return
      this.#failed = e instanceof Stopped ? 'stopped' : e instanceof Error ? e.message : String(e)
    }
    this.#checking = undefined
    this.#progress = undefined
    this.#draw()
  }

  stop(): void {
    const checking = this.#checking
    this.#checking = undefined
    this.#progress = undefined
    checking?.stop()
    // What is stopped is nobody's failure.
    checking?.done.catch(() => {})
  }

  dispose(): void {
    this.stop()
    this.#viewer?.dispose()
    this.element.remove()
  }

  /** Shows the run that was wanted, or the first that breaks something, or the first that ends. */
  #choose(): void {
    const result = this.#run?.result
    const all = result ? runsOf(result) : []
    const wanted = this.#chosen?.key ?? this.#wanted.run
    const known = all.find((r) => r.key === wanted)
    const step = known && this.#wanted.run === known.key ? this.#wanted.step : undefined
    this.#wanted = {}
    this.#show(known ?? all[0], step)
  }

  #show(chosen: Chosen | undefined, step?: number): void {
    this.#chosen = chosen
    if (chosen === undefined) {
      this.#viewer?.dispose()
      this.#viewer = undefined
    } else if (this.#viewer) this.#viewer.show(chosen.scene, step)
    else {
      this.#viewer = new Viewer(chosen.scene, {
        ...(step === undefined ? {} : { step }),
        onStep: (at) => {
          this.#events.onStep(at)
          this.#events.onChange()
        },
        actions: (at) => [
          h(
            'button',
            {
              type: 'button',
              class: 'text',
              'aria-label': 'Copy the run as text',
              title: 'Copy the run as text for a mail, 72 columns wide',
              onclick: () => void this.#copy(),
            },
            'Copy',
          ),
          h(
            'button',
            {
              type: 'button',
              class: 'text',
              'aria-label': 'Save this step as an SVG picture',
              title: 'Save this step as an SVG picture',
              onclick: () => this.#save(at),
            },
            'SVG',
          ),
        ],
      })
      this.element.append(this.#viewer.element)
      performance.mark('first step')
    }
    this.#events.onChange()
    this.#draw()
  }

  async #copy(): Promise<void> {
    if (this.#chosen === undefined) return
    this.#events.onSay(
      (await copy(this.#chosen.text()))
        ? 'Copied: the run as text, 72 columns wide'
        : 'The browser does not let a page copy',
    )
  }

  #save(step: number): void {
    if (this.#chosen === undefined) return
    const name = `${this.#chosen.scene.title}-${this.setting.kernel}-${step}.svg`.replaceAll(/[^\w.+-]/g, '_')
    download(name, 'image/svg+xml', exportSvg(this.#chosen.scene, step))
    this.#events.onSay(`Saved ${name}`)
  }

  #set(setting: Setting): void {
    this.setting = setting
    this.#events.onSetting()
    this.#events.onChange()
  }

  #draw(): void {
    const { kernel, policies } = this.setting
    const { settings } = this.#model
    this.element.setAttribute('aria-label', `On Linux ${kernel}`)
    mount(
      this.#top,
      h(
        'div',
        { class: 'column-head' },
        h(
          'label',
          { class: 'field' },
          h('span', {}, 'Kernel'),
          h(
            'select',
            {
              name: 'Kernel',
              value: kernel,
              onchange: (e: Event) =>
                this.#set({ ...this.setting, kernel: (e.target as HTMLSelectElement).value }),
            },
            option(settings.kernels, kernel),
            h(
              'optgroup',
              { label: 'Between them' },
              option(
                settings.releases.filter((r) => !(settings.kernels as readonly string[]).includes(r)),
                kernel,
              ),
            ),
          ),
        ),
        h(
          'details',
          { class: 'policies' },
          h(
            'summary',
            {},
            Object.keys(policies).length === 0
              ? 'Policies as in the kernel'
              : Object.entries(policies)
                  .map(([n, v]) => `${n}=${v}`)
                  .join(', '),
          ),
          settings.policies.map((p) =>
            field(
              p.name,
              Object.keys(p.values).map((v) => [v, v]),
              policies[p.name] ?? p.default,
              (to) => {
                const { [p.name]: _, ...rest } = policies
                this.#set({ ...this.setting, policies: to === p.default ? rest : { ...rest, [p.name]: to } })
              },
              `${p.says}: ${p.values[policies[p.name] ?? p.default]}`,
            ),
          ),
        ),
        this.#removable &&
          h(
            'button',
            {
              type: 'button',
              class: 'quiet',
              title: 'Close this column',
              'aria-label': `Close the column of Linux ${kernel}`,
              onclick: this.#events.onRemove,
            },
            '✕',
          ),
      ),
      h('div', { class: 'result', 'aria-busy': this.#checking !== undefined }, this.#result()),
    )
    if (this.#viewer) this.#viewer.element.hidden = this.#failed !== undefined
  }

  #result(): Drawn[] {
    if (this.#progress !== undefined && (this.#progress.states > 0 || this.#run === undefined))
      return [
        h(
          'p',
          { class: 'verdict running', role: 'status' },
          h('b', {}, '… checking'),
          this.#progress.states > 0 &&
            h('span', {}, ` ${count(this.#progress.states)} states, runs of ${this.#progress.depth} steps`),
          h(
            'button',
            {
              type: 'button',
              onclick: () => {
                this.stop()
                this.#failed = 'stopped'
                this.#draw()
              },
            },
            'Stop',
          ),
        ),
      ]
    if (this.#failed !== undefined)
      return [
        h(
          'p',
          { class: 'verdict unknown', role: 'status' },
          h('b', {}, this.#failed === 'stopped' ? '? stopped' : '? failed'),
          h('span', {}, this.#failed === 'stopped' ? ' what was not found may be there' : ` ${this.#failed}`),
          h('button', { type: 'button', onclick: () => void this.check(this.#text) }, 'Run again'),
        ),
      ]
    const run = this.#run
    if (run === undefined) return []
    const { result } = run
    if (result === undefined) {
      const errors = run.problems.filter((p) => p.severity === 'error')
      const said = [...new Set(errors.map((p) => p.message))]
      const absent = errors.length > 0 && errors.every((p) => p.code === 'litmus/not-in-this-kernel')
      return [
        h(
          'div',
          { class: `verdict ${absent ? 'absent' : 'unknown'}`, role: 'status' },
          h('b', {}, absent ? '– not in this kernel' : '? it cannot be run'),
          h(
            'ul',
            {},
            said.slice(0, 5).map((m) => h('li', {}, m)),
            said.length > 5 && h('li', {}, `and ${said.length - 5} more, in the text`),
          ),
        ),
      ]
    }
    return [this.#verdict(result), ...expected(run), ...this.#outcomes(result)]
  }

  #verdict(r: LitmusResult): Drawn {
    const { states, edges } = r.counts
    const time =
      r.seconds < 0.0995 ? `${Math.max(1, Math.round(r.seconds * 1000))} ms` : `${r.seconds.toFixed(1)} s`
    const figures = `${count(states)} states, ${count(edges)} steps, ${time}`
    if (r.broken.length > 0)
      return h(
        'div',
        { class: 'verdict bad', role: 'status' },
        h('b', {}, '✗ broken'),
        r.broken.map((b) => this.#pick(`broken:${b.code}`, `Show how ${b.code} breaks`, b.code, 'bad')),
        r.broken
          .filter((b) => this.#chosen?.key === `broken:${b.code}`)
          .map((b) =>
            h(
              'a',
              {
                href: `docs/invariants/${b.code.replaceAll('-', '_')}.html`,
                title: `The page of ${b.code} in the documentation`,
              },
              'what it means',
            ),
          ),
        h('span', {}, r.complete ? figures : `${figures}; ${r.why}`),
      )
    if (!r.complete)
      return h(
        'div',
        { class: 'verdict unknown', role: 'status' },
        h('b', {}, '? not decided'),
        h('span', {}, `${r.why}; what was not found may be there`),
      )
    return h(
      'div',
      { class: 'verdict good', role: 'status' },
      h('b', {}, '✓ every promise holds'),
      h('span', {}, figures),
    )
  }

  /** A button that shows a run. */
  #pick(key: string, label: string, text: string, className: string): Drawn {
    return h(
      'button',
      {
        type: 'button',
        class: `pick ${className}`,
        'aria-pressed': String(this.#chosen?.key === key),
        title: label,
        onclick: () => this.#run?.result && this.#show(runsOf(this.#run.result).find((r) => r.key === key)),
      },
      text,
    )
  }

  #outcomes(result: LitmusResult): Drawn[] {
    const { condition, outcome, positive, negative } = result
    const observed =
      condition === undefined
        ? h('p', { class: 'observed' }, `${result.states.length} final states`)
        : h(
            'p',
            { class: 'observed' },
            h('code', {}, condition),
            ` ${outcome} (${positive} of ${positive + negative} final states)`,
          )
    return [
      observed,
      h(
        'table',
        { class: 'outcomes' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            condition !== undefined && h('th', { scope: 'col' }, 'true'),
            h('th', { scope: 'col', class: 'number' }, 'states'),
            h('th', { scope: 'col' }, 'outcome'),
            h('th', { scope: 'col' }, h('span', { class: 'aside' }, 'run')),
          ),
        ),
        h(
          'tbody',
          {},
          result.states.map((s) =>
            h(
              'tr',
              {},
              condition !== undefined &&
                h(
                  'td',
                  { class: 'mark' },
                  s.satisfies ? '✓' : '–',
                  h('span', { class: 'aside' }, s.satisfies ? 'yes' : 'no'),
                ),
              h('td', { class: 'number' }, count(s.count)),
              h('td', {}, h('code', {}, s.text === '' ? '(nothing is observed)' : s.text)),
              h('td', {}, this.#pick(`state:${s.text}`, `Show a run to ${s.text}`, 'show a run', 'plain')),
            ),
          ),
        ),
      ),
    ]
  }
}

/** Every run that a result has: how each promise breaks, then how each final state is reached. */
function runsOf(result: LitmusResult): Chosen[] {
  const caption = [
    `Linux ${result.kernel}`,
    ...Object.entries(result.policies).map(([n, v]) => `${n}=${v}`),
  ].join(', ')
  const head = `Test ${result.name}\nKernel ${caption.replace('Linux ', '')}\n\n`
  const scene = (run: Timeline, broken?: Scene['broken']) => sceneOf(run, result.name, caption, broken)
  return [
    ...result.broken.map((b) => ({
      key: `broken:${b.code}`,
      scene: scene(b.witness, { code: b.code, promise: b.promise, detail: b.detail }),
      text: () => `${head}Broken ${b.code}\n${renderBroken(b)}\n`,
    })),
    ...result.states.flatMap((s) =>
      s.run === undefined
        ? []
        : [
            {
              key: `state:${s.text}`,
              scene: scene(s.run),
              text: () => `${head}${renderTimeline(s.run!).join('\n')}\n\n${s.text}\n`,
            },
          ],
    ),
  ]
}

function expected({ judgement }: Run): Drawn[] {
  if (judgement === undefined) return []
  const { verdict, expected, why } = judgement
  const sign = {
    match: '✓ as the test expects',
    mismatch: '✗ not as the test expects',
    unknown: '? not decided',
  }[verdict]
  return [
    h(
      'p',
      { class: `expected ${verdict}` },
      h('b', {}, sign),
      ': ',
      h('code', {}, expected),
      why.length > 0 && h('span', {}, ` — ${why.join('; ')}`),
    ),
  ]
}

const option = (kernels: readonly string[], chosen: string): Drawn[] =>
  kernels.map((k) => h('option', { value: k, selected: k === chosen }, `Linux ${k}`))

function field(
  label: string,
  options: readonly (readonly [string, string])[],
  value: string,
  onPick: (value: string) => void,
  title?: string,
): Drawn {
  return h(
    'label',
    { class: 'field', title },
    h('span', {}, label),
    h(
      'select',
      { name: label, value, onchange: (e: Event) => onPick((e.target as HTMLSelectElement).value) },
      options.map(([v, text]) => h('option', { value: v, selected: v === value }, text)),
    ),
  )
}

export const count = (n: number): string => n.toLocaleString('en')
