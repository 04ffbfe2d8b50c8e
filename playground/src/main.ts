import { mount } from '../../src/report/page/mount.ts'
import { h } from '../../src/report/picture/markup.ts'
import { AuditView } from './audit-view.ts'
import { Column } from './column.ts'
import { Corpus, type CorpusTest, idOf } from './corpus.ts'
import { editor } from './editor.ts'
import { type FlagsShown, FlagsView } from './flags-view.ts'
import { copy } from './hand-out.ts'
import { litmus } from './language.ts'
import { type Column as Linked, readLink, writeLink } from './link.ts'
import type { Setting } from './model.ts'
import { themeButton } from './theme.ts'

const model = tenureModel()

const template = `C my-test

(*
 * What may happen here?
 *)

{
  mm A;
  A:p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

P0(mm A)
{
	*p = 1;
	r0 = *p;
}

exists (0:r0=1)
`

/** What opens first: the case that the question of 2020 was about. */
const story = 'pfn-lookup/follow_pfn+unlock+dma+bo_move'

const slot = (id: string): HTMLElement => document.getElementById(id)!
const columns: Column[] = []
/** The test of the corpus that is open, and its text there. */
let opened: CorpusTest | undefined
let timer: ReturnType<typeof setTimeout> | undefined

const corpus = new Corpus(tenureCorpus, (t) => {
  open(t.text, t)
  slot('tests').removeAttribute('data-open')
  slot('tests-button').setAttribute('aria-expanded', 'false')
})
const code = editor(
  '',
  litmus(model, () => columns[0]?.setting ?? { kernel: '6.12', policies: {} }),
  'Litmus test',
  () => {
    clearTimeout(timer)
    timer = setTimeout(edited, 300)
  },
)

/** Opens a text: a new test, one of the corpus, or one that a link holds. */
function open(text: string, test?: CorpusTest, wanted: readonly Linked[] = []): void {
  opened = test
  corpus.current = test && idOf(test)
  code.set(text)
  const { asked } = model.about(text)
  const settings: readonly Linked[] =
    wanted.length > 0 ? wanted.slice(0, 2) : [asked[0] ?? { kernel: '6.12', policies: {} }]
  for (const c of columns.splice(0)) c.dispose()
  for (const s of settings) addColumn({ ...s })
  runAll()
}

function edited(): void {
  if (opened !== undefined && opened.text !== code.text()) {
    corpus.current = undefined
  }
  runAll()
}

function runAll(): void {
  drawBar()
  for (const c of columns) void c.check(code.text())
  keepLink()
}

function addColumn(linked: Linked): Column {
  const column = new Column(model, linked, {
    onChange: keepLink,
    onStep: (step) => {
      if (together) follows(column, step)
    },
    onSetting: () => {
      code.relint()
      drawBar()
      void column.check(code.text())
    },
    onRemove: () => {
      columns.splice(columns.indexOf(column), 1)
      column.dispose()
      arrange()
    },
    onSay: say,
  })
  columns.push(column)
  slot('columns').append(column.element)
  arrange()
  return column
}

/** Whether a step in one column is a step in the other, too. */
let together = true
let leading: Column | undefined
function follows(leader: Column, step: number): void {
  // The others' own steps, which this causes, lead nobody.
  if (leading !== undefined) return
  leading = leader
  for (const c of columns) if (c !== leader) c.goTo(step)
  leading = undefined
}

const togetherButton = () =>
  h(
    'button',
    {
      type: 'button',
      'aria-pressed': String(together),
      title: 'A step in one column is a step in the other, too',
      onclick: () => {
        together = !together
        drawBar()
      },
    },
    'Step together',
  )

function arrange(): void {
  for (const c of columns) c.removable = columns.length > 1
  slot('columns').dataset['count'] = String(columns.length)
  drawBar()
  keepLink()
}

/** What to see beside the first column: the next setting that the test itself speaks of, or the newest kernel. */
function besides(): Setting {
  const { asked } = model.about(code.text())
  const shown = new Set(columns.map((c) => JSON.stringify([c.setting.kernel, c.setting.policies])))
  return (
    asked.find((a) => !shown.has(JSON.stringify([a.kernel, a.policies]))) ?? {
      kernel: model.settings.kernels.at(-1)!,
      policies: {},
    }
  )
}

/** The line above the columns: what the test expects where, and what can be done. */
function drawBar(): void {
  const { asked } = model.about(code.text())
  mount(
    slot('bar'),
    h('button', { type: 'button', title: 'Check the test again', onclick: runAll }, 'Run'),
    h(
      'button',
      {
        type: 'button',
        disabled: columns.length > 1,
        title: 'The same test on another kernel, or with another policy, in a second column',
        onclick: () => {
          const { kernel, policies } = besides()
          void addColumn({ kernel, policies }).check(code.text())
        },
      },
      'Compare',
    ),
    ...(columns.length < 2 ? [] : [togetherButton()]),
    h(
      'button',
      {
        type: 'button',
        title: 'Copy a link that holds the test, the kernel and the step',
        onclick: () => void share(),
      },
      'Copy link',
    ),
    ...(asked.length === 0
      ? []
      : [
          h(
            'div',
            { class: 'asked', role: 'group', 'aria-label': 'What the test expects' },
            h('span', {}, 'Expects'),
            [...new Set(asked.map((a) => a.what))].map((what) =>
              h(
                'span',
                { class: 'clause' },
                asked
                  .filter((a) => a.what === what)
                  .map((a) =>
                    h(
                      'button',
                      {
                        type: 'button',
                        class: 'chip',
                        'aria-label': `${a.kernel} ${what}`,
                        title: 'See it so in the first column',
                        'aria-pressed': String(columns[0] !== undefined && same(columns[0].setting, a)),
                        onclick: () => see(a),
                      },
                      a.kernel,
                    ),
                  ),
                h('span', {}, what),
              ),
            ),
          ),
        ]),
  )
}

/** Shows the first column as a Result line has it. */
function see({ kernel, policies }: Setting): void {
  const [first] = columns
  if (first === undefined) return
  first.setting = { kernel, policies }
  first.reset()
  code.relint()
  drawBar()
  void first.check(code.text())
}

const same = (a: Setting, b: Setting): boolean =>
  a.kernel === b.kernel && JSON.stringify(a.policies) === JSON.stringify(b.policies)

async function link(): Promise<string> {
  const text = code.text()
  const shown = viewNamed(document.body.dataset['view'])
  if (shown === 'flags' && flags !== undefined) {
    const { kernels, combinations } = flags.shown
    return writeLink({
      view: shown,
      ...(combinations.length === model.flagCombinations.length ? {} : { flags: combinations }),
      columns: kernels.map((kernel) => ({ kernel, policies: {} })),
    })
  }
  if (shown === 'audit') {
    const file = audit?.example
    return writeLink({ view: shown, ...(file === undefined ? {} : { file }), columns: [] })
  }
  return writeLink({
    ...(opened !== undefined && opened.text === text ? { test: idOf(opened) } : { text }),
    columns: columns.map((c) => c.link),
  })
}

/** The views of the page: tests, the audit of files, the flags table. */
const views = ['test', 'audit', 'flags'] as const
type View = (typeof views)[number]
const viewNamed = (name: string | undefined): View => views.find((v) => v === name) ?? 'test'

let audit: AuditView | undefined
let flags: FlagsView | undefined
function view(name: View, of: FlagsShown = { kernels: [], combinations: [] }, file?: string): void {
  document.body.dataset['view'] = name
  for (const b of slot('views').querySelectorAll('button'))
    if (b.dataset['view'] === name) b.setAttribute('aria-current', 'page')
    else b.removeAttribute('aria-current')
  slot('audit').hidden = name !== 'audit'
  slot('flags').hidden = name !== 'flags'
  for (const id of ['tests', 'editor', 'main']) slot(id).hidden = name !== 'test'
  if (name === 'audit') {
    if (audit === undefined) {
      audit = new AuditView(model, {
        onOpen: (litmus) => {
          view('test')
          open(litmus)
        },
        onChange: keepLink,
      })
      slot('audit').append(audit.element)
    }
    audit.start(file)
  }
  if (name === 'flags') {
    if (flags === undefined) {
      flags = new FlagsView(model, {
        onOpen: (litmus, setting) => {
          view('test')
          open(litmus, undefined, [setting])
        },
        onChange: keepLink,
      })
      slot('flags').append(flags.element)
    }
    flags.show(of)
  }
  keepLink()
}

let pending = false
/** Keeps the address what the page shows, at most a few times a second. */
function keepLink(): void {
  if (pending) return
  pending = true
  setTimeout(() => {
    pending = false
    void link().then((hash) => history.replaceState(null, '', `#${hash}`))
  }, 250)
}

async function share(): Promise<void> {
  const hash = await link()
  history.replaceState(null, '', `#${hash}`)
  say(
    (await copy(location.href))
      ? 'Copied: a link that holds the test and the step'
      : 'The link is in the address line',
  )
}

let saying: ReturnType<typeof setTimeout> | undefined
function say(text: string): void {
  slot('said').textContent = text
  clearTimeout(saying)
  saying = setTimeout(() => {
    slot('said').textContent = ''
  }, 4000)
}

/** The test of a cell of the flags table, as `tenure flags --show` names it. */
function testOfCell(cell: string, kernel: string = model.settings.kernels.at(-1)!): string | undefined {
  for (const shape of model.flagShapes({ also: [], insert: undefined }))
    for (const q of model.flagQuestions)
      if (cell === `${shape.letters}/${shape.share}/${q.name}`) return model.flagTest(shape, q, kernel)
  return undefined
}

async function follow(): Promise<void> {
  const {
    view: shown,
    test,
    text,
    cell,
    file,
    flags: combinations = [],
    columns: wanted,
  } = await readLink(location.hash)
  if (viewNamed(shown) !== 'test')
    return view(viewNamed(shown), { kernels: wanted.map((c) => c.kernel), combinations }, file)
  view('test')
  const ofCell = cell === undefined ? undefined : testOfCell(cell, wanted[0]?.kernel)
  if (ofCell !== undefined) return open(ofCell, undefined, wanted)
  const known = test === undefined ? undefined : corpus.find(test)
  if (known) open(known.text, known, wanted)
  else if (text !== undefined) open(text, undefined, wanted)
  else {
    const first = corpus.find(story) ?? tenureCorpus[0]
    if (first) open(first.text, first, wanted)
    else open(template, undefined, wanted)
  }
}

for (const b of slot('views').querySelectorAll('button'))
  b.addEventListener('click', () => view(viewNamed(b.dataset['view'])))
slot('theme').append(themeButton())
slot('corpus').append(corpus.element)
slot('editor').append(code.element)
slot('new').addEventListener('click', () => {
  open(template)
  code.focus()
})
slot('tests-button').addEventListener('click', () => {
  const shown = slot('tests').toggleAttribute('data-open')
  slot('tests-button').setAttribute('aria-expanded', String(shown))
})
addEventListener('hashchange', () => void follow())
void follow()
