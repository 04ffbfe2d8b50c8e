import { h, type Markup } from '../picture/markup.ts'
import { timeline } from '../picture/lanes.ts'
import { memoryPicture, planScene } from '../picture/memory.ts'
import type { Plan } from '../picture/plan.ts'
import type { Scene } from '../picture/scene.ts'
import { mount } from './mount.ts'

export type ViewerOptions = {
  /** Where to begin; the last step without it. */
  readonly step?: number
  /** Told whenever the reader has gone to a step. */
  readonly onStep?: (step: number) => void
  /** What can be done with the scene, beside stepping: a row of buttons. */
  readonly actions?: (step: number) => readonly Markup[]
}

/**
 * A scene to step through: buttons, a slider, the keys; the lanes, and the memory beside them. Arrow keys, Home and End work wherever the
 * focus is in it; the space bar plays when the focus is on the viewer itself.
 */
export class Viewer {
  readonly element: HTMLElement
  readonly #options: ViewerOptions
  readonly #resize: ResizeObserver
  #scene: Scene
  #step: number
  #plan: Plan | undefined
  #width = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(scene: Scene, options: ViewerOptions = {}) {
    this.#scene = scene
    this.#options = options
    this.#step = clamp(options.step ?? scene.steps.length, scene)
    this.element = document.createElement('section')
    this.element.className = 'viewer'
    this.element.tabIndex = 0
    this.element.addEventListener('keydown', (e) => this.#key(e))
    this.#resize = new ResizeObserver(() => this.#measure())
    this.#resize.observe(this.element)
    this.#draw()
  }

  get step(): number {
    return this.#step
  }

  show(scene: Scene, step = scene.steps.length): void {
    this.#stop()
    this.#scene = scene
    this.#plan = undefined
    this.#step = clamp(step, scene)
    this.#draw()
  }

  goTo(step: number): void {
    const to = clamp(step, this.#scene)
    if (to === this.#step) return
    this.#step = to
    this.#draw()
    this.element.querySelector('.step.now')?.scrollIntoView({ block: 'nearest' })
    this.#options.onStep?.(to)
  }

  dispose(): void {
    this.#stop()
    this.#resize.disconnect()
    this.element.remove()
  }

  #measure(): void {
    const box = this.element.querySelector<HTMLElement>('.viewer-memory')
    const width = Math.floor(box?.clientWidth ?? 0)
    if (width === 0 || width === this.#width) return
    this.#width = width
    this.#plan = undefined
    this.#draw()
  }

  #draw(): void {
    const scene = this.#scene
    const last = scene.steps.length
    const step = this.#step
    this.element.setAttribute('aria-label', `${scene.title}, step by step`)
    this.#plan ??= planScene(scene, Math.min(980, Math.max(300, this.#width || 640)))
    const go = (to: number) => () => {
      this.#stop()
      this.goTo(to)
    }
    const button = (label: string, path: string, to: number, off: boolean, className?: string) =>
      h(
        'button',
        {
          type: 'button',
          class: className,
          'aria-label': label,
          title: label,
          disabled: off,
          onclick: go(to),
        },
        icon(path),
      )
    mount(
      this.element,
      h(
        'div',
        { class: 'viewer-bar', role: 'group', 'aria-label': 'Steps' },
        button('To the start', 'M4 3v10M13 3L6 8l7 5z', 0, step === 0, 'edge'),
        button('One step back', 'M11 3L4 8l7 5z', step - 1, step === 0),
        h(
          'button',
          {
            type: 'button',
            class: 'play',
            'aria-label': this.#timer ? 'Pause' : 'Play',
            title: this.#timer ? 'Pause' : 'Play',
            onclick: () => this.#play(),
          },
          icon(this.#timer ? 'M5 3v10M11 3v10' : 'M8 1.5a6.5 6.5 0 1 0 .01 0M6.6 5.2v5.6L11 8z'),
        ),
        button('One step on', 'M5 3l7 5-7 5z', step + 1, step === last),
        button('To the end', 'M12 3v10M3 3l7 5-7 5z', last, step === last, 'edge'),
        h('input', {
          type: 'range',
          min: 0,
          max: last,
          value: step,
          'aria-label': 'Step',
          'aria-valuetext': `${step} of ${last}`,
          oninput: (e: Event) => {
            this.#stop()
            this.goTo(Number((e.target as HTMLInputElement).value))
          },
        }),
        h('output', { class: 'viewer-count' }, `${step} / ${last}`),
        ...(this.#options.actions?.(step) ?? []),
      ),
      h(
        'div',
        { class: 'viewer-body' },
        h(
          'div',
          { class: 'viewer-steps' },
          timeline(scene, step, (to) => go(to)()),
        ),
        h(
          'div',
          { class: 'viewer-memory', tabindex: 0, role: 'group', 'aria-label': 'The memory' },
          memoryPicture(scene, step, this.#plan),
        ),
      ),
      h('p', { class: 'aside', 'aria-live': 'polite' }, spoken(scene, step)),
    )
    if (this.#width === 0) requestAnimationFrame(() => this.#measure())
  }

  #key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return
    const inField = e.target instanceof HTMLInputElement && e.target.type !== 'range'
    if (inField) return
    const to = {
      ArrowLeft: this.#step - 1,
      ArrowUp: this.#step - 1,
      ArrowRight: this.#step + 1,
      ArrowDown: this.#step + 1,
      Home: 0,
      End: this.#scene.steps.length,
    }[e.key]
    if (to !== undefined) {
      e.preventDefault()
      this.#stop()
      this.goTo(to)
    } else if (e.key === ' ' && e.target === this.element) {
      e.preventDefault()
      this.#play()
    }
  }

  #play(): void {
    if (this.#timer) return this.#stop()
    if (this.#step >= this.#scene.steps.length) this.goTo(0)
    this.#timer = setInterval(() => {
      if (this.#step >= this.#scene.steps.length) this.#stop()
      else this.goTo(this.#step + 1)
    }, 1100)
    this.#draw()
  }

  #stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#draw()
  }
}

const icon = (d: string): Markup =>
  h(
    'svg',
    { class: 'icon', width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    h('path', { d }),
  )

const clamp = (step: number, scene: Scene): number =>
  Math.max(0, Math.min(scene.steps.length, Math.round(step)))

/** What a screen reader says on arrival at a step. */
function spoken(scene: Scene, step: number): string {
  const s = scene.steps[step - 1]
  if (s === undefined) return 'At first'
  const end =
    step === scene.steps.length && scene.broken ? ` Broken: ${scene.broken.code}. ${scene.broken.detail}` : ''
  return `Step ${step}: ${scene.actors[s.actor]?.name ?? ''} ${s.statement ?? s.step}. ${s.changes.join('. ')}${end}`
}
