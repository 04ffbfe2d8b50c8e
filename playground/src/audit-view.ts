import { setDiagnostics, type Diagnostic as Mark } from '@codemirror/lint'
import type { EditorView } from '@codemirror/view'
import type { Site } from '../../src/audit/result.ts'
import type { ReportData } from '../../src/report/page-data.ts'
import { mount } from '../../src/report/page/mount.ts'
import { Report } from '../../src/report/page/report.ts'
import { signs } from '../../src/report/page/site.ts'
import { h } from '../../src/report/picture/markup.ts'
import type { AuditAnswer, Given } from './auditor.ts'
import { c } from './c.ts'
import { type Editor, editor } from './editor.ts'

type Model = ReturnType<typeof tenureModel>
type State = { readonly kind: 'running' | 'done' | 'failed' | 'stopped'; readonly text: string }

/** The drivers of examples/: read when the first view of an audit is made. */
let drivers: readonly Given[] | undefined
const examples = (): readonly Given[] =>
  (drivers ??= JSON.parse(document.getElementById('examples')!.textContent ?? '[]') as readonly Given[])

/** More than this is no file that somebody pastes; the command line reads whole trees. */
const most = 8_000_000

/** C files, pasted or dropped, and what an audit finds in them. Nothing leaves the page. */
export class AuditView {
  readonly element = document.createElement('div')
  readonly #model: Model
  readonly #events: { onOpen: (litmus: string) => void; onChange: () => void }
  readonly #bar = document.createElement('div')
  readonly #status = document.createElement('div')
  readonly #report = document.createElement('div')
  readonly #editor: Editor
  #files: Given[]
  #current = 0
  /** Empty: for each call the newest kernel that has it, as for a tree that does not say which it is. */
  #kernel = ''
  #worker: Worker | undefined
  #asked = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #data: ReportData | undefined
  #state: State = { kind: 'done', text: '' }

  constructor(model: Model, events: { onOpen: (litmus: string) => void; onChange: () => void }) {
    this.#model = model
    this.#events = events
    const [first] = examples()
    this.#files = [first ?? { path: 'driver.c', text: '' }]
    this.#editor = editor(this.#files[0]!.text, c, 'C source', (text) => this.#edited(text))
    this.element.className = 'audit'
    const left = document.createElement('section')
    left.setAttribute('aria-label', 'The files')
    left.className = 'audit-source'
    left.append(this.#bar, this.#editor.element)
    const right = document.createElement('section')
    right.setAttribute('aria-label', 'What is found')
    right.className = 'audit-found'
    right.append(this.#status, this.#report)
    this.element.append(left, right)
    this.#acceptDrops()
    this.#draw()
  }

  /** The driver of examples/ that is shown as it is there. */
  get example(): string | undefined {
    const [file] = this.#files
    return examples().find((x) => x.path === file?.path && x.text === file.text)?.path
  }

  /** Audits, if it has not been done since the last change; an example, where a link names one. */
  start(file?: string): void {
    const asked = examples().find((x) => x.path === file)
    if (asked !== undefined && this.example !== asked.path) this.#open([asked])
    else if (this.#data === undefined && this.#state.kind !== 'running') this.#audit()
  }

  #edited(text: string): void {
    this.#files = this.#files.map((f, i) => (i === this.#current ? { ...f, text } : f))
    this.#events.onChange()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#audit(), 500)
  }

  #open(files: readonly Given[]): void {
    if (files.length === 0) return
    this.#files = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
    this.#show(0)
    this.#events.onChange()
    this.#audit()
  }

  #show(index: number): void {
    this.#current = index
    this.#editor.set(this.#files[index]?.text ?? '')
    this.#mark()
    this.#draw()
  }

  async #take(list: Iterable<File>): Promise<void> {
    const files: Given[] = []
    const refused: string[] = []
    for (const file of list) {
      const path = file.webkitRelativePath === '' ? file.name : file.webkitRelativePath
      if (!/\.[ch]$/i.test(file.name)) refused.push(`${path} is no .c or .h file`)
      else if (file.size > most) refused.push(`${path} is larger than ${most / 1e6} MB`)
      else {
        const text = await file.text()
        if (text.includes('\0')) refused.push(`${path} is not text`)
        else files.push({ path, text })
      }
    }
    if (refused.length > 0 && files.length === 0) {
      this.#state = { kind: 'failed', text: refused.join('; ') }
      this.#draw()
    } else this.#open(files)
  }

  #acceptDrops(): void {
    const { element } = this
    element.addEventListener('dragover', (e) => {
      e.preventDefault()
      element.dataset['drop'] = ''
    })
    element.addEventListener('dragleave', () => delete element.dataset['drop'])
    element.addEventListener('drop', (e) => {
      e.preventDefault()
      delete element.dataset['drop']
      if (e.dataTransfer) void this.#take(e.dataTransfer.files)
    })
  }

  #stop(): void {
    this.#worker?.terminate()
    this.#worker = undefined
  }

  #audit(): void {
    if (this.#state.kind === 'running') this.#stop()
    const id = ++this.#asked
    this.#state = { kind: 'running', text: '' }
    const worker = (this.#worker ??= new Worker(
      URL.createObjectURL(
        new Blob(
          [
            `globalThis.tenureShared=(${tenureModel.toString()})().shared;${document.getElementById('auditor')!.textContent}`,
          ],
          {
            type: 'text/javascript',
          },
        ),
      ),
    ))
    const listening = new AbortController()
    const { signal } = listening
    const end = (state: State, data?: ReportData) => {
      listening.abort()
      this.#state = state
      if (data !== undefined) {
        this.#data = data
        this.#report.replaceChildren(new Report(data, this.#events.onOpen).element)
        this.#mark()
      }
      this.#draw()
    }
    worker.addEventListener(
      'message',
      ({ data: a }: MessageEvent<AuditAnswer>) => {
        if (a.id !== id) return
        if ('progress' in a) {
          this.#state = { kind: 'running', text: `${a.progress.done} sites, ${a.progress.of} functions` }
          this.#draw()
        } else if ('data' in a) end({ kind: 'done', text: '' }, a.data)
        else end({ kind: 'failed', text: a.failed })
      },
      { signal },
    )
    worker.addEventListener(
      'error',
      (e) => end({ kind: 'failed', text: e.message || 'the worker could not be started' }),
      { signal },
    )
    worker.postMessage({ id, files: this.#files, kernel: this.#kernel, policies: {} })
    this.#draw()
  }

  /** The sites of the file that is shown, in the text. */
  #mark(): void {
    const { view } = this.#editor
    const path = this.#files[this.#current]?.path
    const sites = (this.#data?.result.sites ?? []).filter((s) => s.file === path)
    view.dispatch(
      setDiagnostics(
        view.state,
        sites.flatMap((s) => markOf(s, view)),
      ),
    )
  }

  #draw(): void {
    const { kernels } = this.#model.settings
    mount(
      this.#bar,
      h(
        'div',
        { class: 'audit-bar' },
        h(
          'label',
          { class: 'open-file' },
          h('span', {}, 'Open files'),
          h('input', {
            type: 'file',
            multiple: true,
            accept: '.c,.h',
            onchange: (e: Event) => void this.#take((e.target as HTMLInputElement).files ?? []),
          }),
        ),
        h(
          'label',
          { class: 'field' },
          h('span', {}, 'Example'),
          h(
            'select',
            {
              value: this.example ?? '',
              onchange: (e: Event) => {
                const example = examples().find((x) => x.path === (e.target as HTMLSelectElement).value)
                if (example) this.#open([example])
              },
            },
            h('option', { value: '', hidden: true }, 'none'),
            examples().map((x) => h('option', { value: x.path, selected: x.path === this.example }, x.path)),
          ),
        ),
        h(
          'label',
          { class: 'field' },
          h('span', {}, 'Kernel'),
          h(
            'select',
            {
              value: this.#kernel,
              onchange: (e: Event) => {
                this.#kernel = (e.target as HTMLSelectElement).value
                this.#audit()
              },
            },
            [
              h('option', { value: '', selected: this.#kernel === '' }, 'newest with the call'),
              ...kernels.map((k) => h('option', { value: k, selected: k === this.#kernel }, `Linux ${k}`)),
            ],
          ),
        ),
        h('p', {}, 'Or drop .c and .h files here, or paste into the text. Nothing leaves the page.'),
      ),
      h(
        'div',
        { class: 'files', role: 'group', 'aria-label': 'Files' },
        this.#files.length > 1 &&
          this.#files.map((f, i) =>
            h(
              'button',
              {
                type: 'button',
                class: 'chip',
                'aria-pressed': String(i === this.#current),
                onclick: () => this.#show(i),
              },
              f.path,
            ),
          ),
      ),
    )
    const { kind, text } = this.#state
    mount(
      this.#status,
      ...(kind === 'running'
        ? [
            h(
              'div',
              { class: 'verdict running', role: 'status' },
              h('b', {}, '… auditing'),
              h('span', {}, text),
              h(
                'button',
                {
                  type: 'button',
                  onclick: () => {
                    this.#stop()
                    this.#asked++
                    this.#state = { kind: 'stopped', text: 'what was not looked at may be broken' }
                    this.#draw()
                  },
                },
                'Stop',
              ),
            ),
          ]
        : kind === 'failed' || kind === 'stopped'
          ? [
              h(
                'div',
                { class: 'verdict unknown', role: 'status' },
                h('b', {}, `? ${kind}`),
                h('span', {}, text),
              ),
            ]
          : this.#data?.result.sites.length === 0
            ? [
                h(
                  'div',
                  { class: 'verdict absent', role: 'status' },
                  h('b', {}, '– no call that is known here'),
                  h('span', {}, `looked for in ${this.#data.result.summary.functions} functions`),
                ),
              ]
            : []),
    )
  }
}

function markOf(site: Site, view: EditorView): Mark[] {
  const { doc } = view.state
  if (site.line > doc.lines) return []
  const line = doc.line(site.line)
  const from = Math.min(line.from + site.column - 1, line.to)
  return [
    {
      from,
      to: Math.min(from + site.api.length, line.to),
      severity: site.verdict === 'broken' ? 'error' : site.verdict === 'unknown' ? 'warning' : 'info',
      source: site.classes.join(', '),
      message: `${signs[site.verdict]} ${site.verdict}: ${site.summary}${site.reason === undefined ? '' : `\n${site.reason}`}`,
    },
  ]
}
