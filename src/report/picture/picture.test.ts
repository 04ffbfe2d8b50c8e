import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hasErrors, Source } from '../../base/index.ts'
import { asked, parse, runLitmus, type Timeline } from '../../litmus/index.ts'
import { exportSvg } from './export.ts'
import { h, type Markup, write } from './markup.ts'
import { memoryPicture, planScene } from './memory.ts'
import { differenceAt, type Scene, sceneOf, thingsAt, wordsOf } from './scene.ts'
import { timeline } from './lanes.ts'

test('text and attributes are escaped, listeners and false attributes left out, control characters replaced', () => {
  const drawn = h(
    'p',
    { title: `"<&>`, hidden: false, open: true, onclick: () => {}, n: 3 },
    '</p><script>',
    ['a', false, undefined, 1],
    '\u0000\u001b',
  )
  assert.equal(
    write(drawn),
    '<p title="&quot;&lt;&amp;&gt;" open="" n="3">&lt;/p&gt;&lt;script&gt;a1\ufffd\ufffd</p>',
  )
})

/** One test of each family of the corpus, with every run that it has. */
const corpus = readdirSync('litmus', { withFileTypes: true })
  .filter((d) => d.isDirectory())
  .flatMap(({ name: family }) =>
    readdirSync(`litmus/${family}`)
      .filter((f) => f.endsWith('.litmus'))
      .slice(0, 6)
      .map((f) => `litmus/${family}/${f}`),
  )
const runs: { title: string; run: Timeline; scene: Scene }[] = corpus.flatMap((file) => {
  const { value: test, diagnostics } = parse(new Source(file, readFileSync(file, 'utf8')))
  if (test === undefined || hasErrors(diagnostics)) return []
  const [first] = asked(test)
  if (first === undefined) return []
  const { value } = runLitmus(test, { kernel: first.kernel, policies: first.policies, memory: true })
  if (value === undefined) return []
  return [
    ...value.broken.map((b) => ({
      run: b.witness,
      broken: { code: b.code, promise: b.promise, detail: b.detail },
    })),
    ...value.states.flatMap((s) => (s.run === undefined ? [] : [{ run: s.run, broken: undefined }])),
  ].map(({ run, broken }) => ({ title: file, run, scene: sceneOf(run, test.name, '', broken) }))
})

test('there are runs to look at', () => {
  assert.ok(runs.length > 20, `${runs.length}`)
})

test('a scene gives back every state of its run', () => {
  for (const { title, run, scene } of runs) {
    const byId = (things: Iterable<{ id: string }>) => [...things].sort((a, b) => (a.id < b.id ? -1 : 1))
    assert.deepEqual(byId(thingsAt(scene, 0).values()), byId(run.memory!), title)
    for (const [i, s] of run.steps.entries())
      assert.deepEqual(byId(thingsAt(scene, i + 1).values()), byId(s.memory!), `${title} step ${i + 1}`)
  }
})

/** Every thing that a run of a corpus test ever shows, as `title: facts flags`. */
function shownIn(file: string, kernel: string): Set<string> {
  const { value: test } = parse(new Source(file, readFileSync(`litmus/${file}.litmus`, 'utf8')))
  const result = runLitmus(test!, { kernel, memory: true }).value!
  const runs = [...result.broken.map((b) => b.witness), ...result.states.flatMap((s) => s.run ?? [])]
  return new Set(
    runs.flatMap((run) =>
      [run.memory!, ...run.steps.map((s) => s.memory!)].flat().map(
        (t) =>
          `${t.kind} ${t.title}: ${wordsOf(t, false)
            .map((w) => w.text)
            .join(', ')}`,
      ),
    ),
  )
}

test('descriptors, attachments, device mappings and the page cache are shown as they are and as they become', () => {
  const shows = (file: string, kernel: string, ...wanted: string[]) => {
    const shown = shownIn(file, kernel)
    for (const w of wanted) assert.ok(shown.has(w), `${file} has no '${w}' in\n${[...shown].join('\n')}`)
  }
  shows('fd/get+close', '6.12', 'fd fd 0: D', 'object dma_buf D: static, f_count 2')
  shows('dma-buf/pin+bo_move', '6.12', 'attachment attachment a: pins 1', 'dma dma0: f0, dir both ways, of a')
  shows('dma-buf/direction+wrong', '6.12', 'dma dma0: f1, dir from device, bounce 1')
  shows(
    'file/pin+writeback+unpin',
    '6.12',
    'object page page 0: f0, disk 7',
    'object page page 0: not cached, disk 5',
  )
  shows('map-out/no-open-close+right', '6.12', 'object bo B: in system memory, refcount 2')
})

test('what a step changes is what differs, and a step that changes nothing marks nothing', () => {
  for (const { title, scene } of runs)
    for (let step = 1; step <= scene.steps.length; step++) {
      const { facts, added, gone, left } = differenceAt(scene, step)
      const before = thingsAt(scene, step - 1)
      const after = thingsAt(scene, step)
      for (const [id, thing] of after) {
        const same = JSON.stringify(before.get(id)) === JSON.stringify(thing)
        const marked = facts.has(id) || added.has(id) || left.has(id)
        if (same) assert.ok(!marked, `${title} step ${step}: ${id} did not change`)
        else if (before.get(id)?.idle === thing.idle)
          assert.ok(marked, `${title} step ${step}: ${id} changed`)
      }
      assert.deepEqual(
        gone.map((t) => t.id),
        [...before.keys()].filter((id) => !after.has(id)),
      )
    }
})

for (const width of [320, 480, 700, 980])
  test(`in ${width} pixels every thing has a place, within its parent, and cards do not overlap`, () => {
    for (const { title, scene } of runs) {
      const plan = planScene(scene, width)
      const parents = new Map<string, string>()
      for (let step = 0; step <= scene.steps.length; step++)
        for (const t of thingsAt(scene, step).values()) {
          if (t.kind === 'actor' && !plan.places.has(t.id)) continue
          assert.ok(plan.places.has(t.id), `${title}: ${t.id} has no place`)
          if (t.within !== undefined) parents.set(t.id, t.within)
        }
      const cards = [...plan.places.values()].filter((p) => p.level === 'card')
      for (const p of plan.places.values())
        assert.ok(
          p.x >= 0 && p.x + p.width <= width + 0.5 && p.y + p.height <= plan.height + 1,
          `${title}: ${p.id} is outside`,
        )
      for (const [id, parent] of parents) {
        const a = plan.places.get(id)!
        const b = plan.places.get(parent)!
        assert.ok(
          a.x >= b.x &&
            a.y >= b.y &&
            a.x + a.width <= b.x + b.width &&
            a.y + a.height <= b.y + b.height + 0.5,
          `${title}: ${id} sticks out of ${parent}`,
        )
      }
      for (const [i, a] of cards.entries())
        for (const b of cards.slice(i + 1))
          assert.ok(
            a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y,
            `${title}: ${a.id} overlaps ${b.id}`,
          )
    }
  })

test('what a step takes away has room, too: no word is drawn below its box', () => {
  for (const { title, scene } of runs)
    for (const width of [320, 800]) {
      const plan = planScene(scene, width)
      for (let step = 1; step <= scene.steps.length; step++) {
        const drawn = memoryPicture(scene, step, plan)
        const inside = (e: Markup, place?: { y: number; height: number }): void => {
          if (typeof e === 'string') return
          const y = Number(e.attributes['y'])
          if (place !== undefined && e.tag === 'text')
            assert.ok(y <= place.y + place.height, `${title} at ${width}, step ${step}: ${write(e)}`)
          const id = e.attributes['data-thing']
          for (const c of e.children) inside(c, id === undefined ? place : plan.places.get(String(id)))
        }
        inside(drawn)
      }
    }
})

test('every step is drawn: one mark in the lanes, a line for each name of a frame', () => {
  for (const { title, scene } of runs.slice(0, 30)) {
    const plan = planScene(scene, 800)
    for (let step = 0; step <= scene.steps.length; step++) {
      const svg = write(memoryPicture(scene, step, plan))
      const names = [...thingsAt(scene, step).values()].filter((t) => t.names !== undefined).length
      assert.equal(
        svg.match(/<g class="link/g)?.length ?? 0,
        names + (svg.includes('<g class="links"') ? 1 : 0),
        `${title} step ${step}`,
      )
      assert.ok(!svg.includes('NaN') && !svg.includes('undefined'), `${title} step ${step}`)
      assert.equal(write(timeline(scene, step)).match(/<li class="step/g)?.length, scene.steps.length + 1)
    }
  }
})

test('an exported picture is one well-formed file that needs nothing', () => {
  for (const { scene } of runs.slice(0, 10)) {
    const svg = exportSvg(scene, scene.steps.length)
    assert.match(svg, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<svg /)
    assert.ok(!/href|url\(|<script/.test(svg))
    const open = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)]
    const stack: string[] = []
    for (const [, close, tag, empty] of open) {
      if (close === '/') assert.equal(stack.pop(), tag)
      else if (empty !== '/') stack.push(tag!)
    }
    assert.deepEqual(stack, [])
  }
})
