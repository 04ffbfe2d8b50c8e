import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import type { Comparison } from '../../src/audit/index.ts'
import { auditPage, comparisonPage } from '../../src/cli/audit-page.ts'
import { pageScript } from '../../src/cli/page-script.ts'
import { browserTest, type Page, seriousIn, soon, workOf } from './browser.ts'
import { driver, hostile, sample } from './sample.ts'

const dir = mkdtempSync(join(tmpdir(), 'tenure-report-'))
after(() => rmSync(dir, { recursive: true }))

const size = 30
const pageOf = (n: number): string => auditPage(sample(n), () => driver)
const html = pageOf(size)
const url = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return pathToFileURL(join(dir, name)).href
}
const report = url('report.html', html)

test('the script of the page is one text that parses', () => {
  assert.doesNotThrow(() => new Script(`"use strict";${pageScript()}`))
})

test('the policy of the page names exactly its script and its style', () => {
  const sha = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)![1]!
  const style = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!
  assert.match(policy, /^default-src 'none'; script-src 'sha256-/)
  assert.ok(policy.includes(`script-src ${sha(script)};`))
  assert.ok(policy.includes(`style-src ${sha(style)};`))
  assert.ok(!policy.includes('unsafe'))
})

test('what comes from a tree is nowhere in the page as it is', () => {
  assert.ok(!html.includes(hostile))
  assert.ok(!html.includes('<img'))
  assert.equal(html.match(/<script/g)?.length, 2)
})

const rows = (page: Page) => page.locator('.site')
const open = async (page: Page, text: string) => {
  const row = rows(page).filter({ hasText: text }).first()
  await row.locator('summary').first().click()
  // The browser tells of an opened row when it comes to it: only then is the row filled.
  await row.locator('.body > *').first().waitFor()
  return row
}

browserTest('findings are filtered by verdict, by module and by words', async (page) => {
  await page.goto(report)
  await soon(async () => assert.equal(await rows(page).count(), size))
  await page.locator('.tile').filter({ hasText: 'holds' }).click()
  await page.locator('.tile').filter({ hasText: 'unknown' }).click()
  await soon(async () => assert.equal(await rows(page).count(), size / 3))
  await soon(async () => assert.match(await page.locator('.count').innerText(), /^10 of 30 findings/))
  await page.getByRole('searchbox').fill('grabber12')
  await soon(async () => assert.equal(await rows(page).count(), 1))
  await soon(async () => assert.match(await rows(page).first().innerText(), /grabber12_start/))
  await page.getByRole('searchbox').fill('grabber12 nothing-has-this')
  await soon(async () => assert.equal(await rows(page).count(), 0))
  await page.getByRole('searchbox').fill('')
  await page.locator('.filters select').first().selectOption('drivers/vfio')
  for (const where of await page.locator('.where').allTextContents()) assert.match(where, /^drivers\/vfio\//)
})

browserTest('unknown is as visible as broken: its own figure, its reason in the row', async (page) => {
  await page.goto(report)
  await soon(async () => assert.match(await page.locator('.tile').nth(1).innerText(), /\? 10\s+unknown/))
  const unknown = page.locator('.site.unknown').first()
  await soon(async () =>
    assert.match((await unknown.textContent()) ?? '', /the value leaves through a function pointer/),
  )
})

browserTest('findings are sorted by verdict first, and by place when asked', async (page) => {
  await page.goto(report)
  const words = () => page.locator('.verdict-word').allTextContents()
  await soon(async () =>
    assert.deepEqual(
      [...new Set(await words())].map((w) => w.slice(2)),
      ['broken', 'unknown', 'holds'],
    ),
  )
  await page.locator('.filters select').last().selectOption('place')
  await soon(async () =>
    assert.deepEqual(
      (await words()).slice(0, 3).map((w) => w.slice(2)),
      ['broken', 'holds', 'unknown'],
    ),
  )
})

browserTest(
  'a finding opens to source, run, repair and test; the run is stepped with the keys',
  async (page) => {
    await page.goto(report)
    const row = await open(page, 'grabber0_start')
    await soon(async () =>
      assert.match(await row.locator('.excerpt').innerText(), /ret = follow_pfn\(vma, addr, &pfn\);/),
    )
    await soon(async () => assert.match(await row.locator('.excerpt .at').innerText(), /✗/))
    await soon(async () =>
      assert.match(await row.locator('.step').last().innerText(), /dma_write\(pfn, 1\)[\s\S]*grabber0\.c:17/),
    )
    await row.locator('.viewer').focus()
    await page.keyboard.press('Home')
    await soon(async () => assert.match(await row.locator('.viewer-count').innerText(), /^0 \/ /))
    await page.keyboard.press('ArrowRight')
    await soon(async () => assert.match(await row.locator('.viewer-count').innerText(), /^1 \/ /))
    await soon(async () => assert.match(await row.locator('.step.now').innerText(), /mmap_read_lock/))
    await page.keyboard.press('End')
    await soon(async () => assert.match(await row.locator('.breaks').innerText(), /use-after-free/))
    await soon(async () => assert.equal((await row.locator('.memory .hit').count()) > 0, true))
    await soon(async () => assert.match(await row.innerText(), /every promise holds in all 40 states/))
  },
)

browserTest('an open finding stays open, and stays itself, when others are filtered out', async (page) => {
  await page.goto(report)
  await open(page, 'grabber15_start')
  await page.getByRole('searchbox').fill('grabber15')
  await soon(async () => assert.equal(await rows(page).count(), 1))
  await soon(async () =>
    assert.match(await rows(page).first().locator('.body').innerText(), /grabber15_start/),
  )
  await page.getByRole('searchbox').fill('')
  await soon(async () => assert.equal(await rows(page).count(), size))
  const still = rows(page).filter({ hasText: 'grabber15_start' }).first()
  await soon(async () => assert.equal(await still.getAttribute('open'), ''))
  // Also when it was itself left out for a while.
  await page.getByRole('searchbox').fill('grabber12')
  await soon(async () => assert.equal(await still.count(), 0))
  await page.getByRole('searchbox').fill('nothing has this')
  await soon(async () => assert.equal(await rows(page).count(), 0))
  await page.getByRole('searchbox').fill('')
  await soon(async () => assert.equal(await still.getAttribute('open'), ''))
  await soon(async () =>
    assert.match(await still.locator('.body').innerText(), /follow_pfn in grabber15_start/),
  )
})

browserTest(
  'the findings are summed up by class, kind and module, and a line of a sum filters',
  async (page) => {
    await page.goto(report)
    const line = page.locator('.sums tbody tr').filter({ hasText: 'drivers/vfio' })
    await soon(async () => assert.match((await line.textContent()) ?? '', /^drivers\/vfio\d+/))
    const figures = (await line.locator('td').allTextContents()).map((t) => (t === '·' ? 0 : Number(t)))
    await line.getByRole('button').click()
    await soon(async () =>
      assert.equal(
        await rows(page).count(),
        figures.reduce((a, b) => a + b, 0),
      ),
    )
    for (const where of await page.locator('.where').allTextContents())
      assert.match(where, /^drivers\/vfio\//)
    await line.getByRole('button').click()
    await soon(async () => assert.equal(await rows(page).count(), size))
  },
)

browserTest('with the keyboard alone: search, open a finding, step through its run', async (page) => {
  await page.goto(report)
  const reach = async (what: string): Promise<void> => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate<boolean>(`document.activeElement.matches('${what}')`)) return
    }
    assert.fail(`Tab does not reach ${what}`)
  }
  await reach('input[type=search]')
  await page.keyboard.type('grabber0_start')
  await soon(async () => assert.equal(await rows(page).count(), 1))
  await reach('.site > summary')
  await page.keyboard.press('Enter')
  await page.locator('.site .viewer').waitFor()
  await reach('.viewer')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await soon(async () => assert.match(await page.locator('.viewer-count').innerText(), /^1 \/ /))
})

browserTest('names and comments of a hostile tree are text', async (page) => {
  await page.goto(report)
  await page.locator('.filters select').last().selectOption('place')
  for (let i = 0; i < 12; i++) {
    await rows(page).nth(i).locator('summary').first().click()
    await rows(page).nth(i).locator('.body > *').first().waitFor()
  }
  await page.locator('.problems summary').click()
  const shown = await page.evaluate<string>('document.body.innerText')
  assert.ok(shown.includes(hostile), 'it is shown as it is written')
  await soon(async () =>
    assert.equal(await page.evaluate<number>('document.querySelectorAll("img").length'), 0),
  )
  await soon(async () =>
    assert.equal(await page.evaluate<number>('document.querySelectorAll("script").length'), 2),
  )
  await soon(async () =>
    assert.match(await page.evaluate<string>('document.title'), /^tenure audit: linux-<img/),
  )
})

browserTest(
  'a thousand findings are quick: a word typed, an order chosen, a verdict left out, each a tenth of a second of work',
  async (page) => {
    await page.goto(url('thousand.html', pageOf(1000)))
    await soon(async () => assert.equal(await rows(page).count(), 1000))
    const worked = await workOf(page)
    const type = (text: string): string =>
      `(() => { const field = document.querySelector('input[type=search]'); field.value = '${text}'; field.dispatchEvent(new Event('input')) })()`
    const order = (by: string): string =>
      `(() => { const select = [...document.querySelectorAll('.filters select')].at(-1); select.value = '${by}'; select.dispatchEvent(new Event('change')) })()`
    const tile = `document.querySelectorAll('.tile')[0].click()`
    for (const [what, change] of [
      ['g typed', type('g')],
      ['a name typed', type('grabber77')],
      ['nothing typed', type('')],
      ['by place', order('place')],
      ['by verdict', order('verdict')],
      ['without broken', tile],
      ['with broken', tile],
    ] as const) {
      const before = await worked()
      await page.evaluate(`${change};document.body.getBoundingClientRect();0`)
      const ms = (await worked()) - before
      assert.ok(ms < 100, `${what}: ${ms.toFixed(0)} ms`)
    }
    await soon(async () => assert.equal(await rows(page).count(), 1000))
  },
)

for (const colorScheme of ['light', 'dark'] as const)
  browserTest(
    `axe finds nothing serious in the report, ${colorScheme}`,
    async (page) => {
      await page.goto(report)
      await open(page, 'grabber0_start')
      await open(page, 'grabber2_start')
      await soon(async () => assert.deepEqual(await seriousIn(page), []))
    },
    { colorScheme },
  )

browserTest(
  'on a phone nothing is wider than the screen',
  async (page) => {
    await page.goto(report)
    await open(page, 'grabber0_start')
    await soon(async () =>
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 360),
    )
  },
  { width: 360, height: 740 },
)

browserTest('a comparison says what became of each site, and what made it so', async (page) => {
  const { sites, ...rest } = sample(9)
  const side = { ...rest.tree, summary: rest.summary, problems: [] }
  const [first, second, third] = sites
  const comparison: Comparison = {
    schema: 1,
    tool: rest.tool,
    before: { ...side, path: 'linux-old' },
    after: side,
    protocols: rest.protocols,
    summary: {
      appeared: { broken: 1, unknown: 0, holds: 0 },
      gone: { broken: 0, unknown: 0, holds: 1 },
      changed: {},
      same: 6,
    },
    changes: [
      {
        change: 'changed',
        before: { ...first!, verdict: 'holds' },
        after: first!,
        blame: { by: 'checked', places: [{ file: first!.file, line: 14, side: 'new', text: hostile }] },
      },
      { change: 'appeared', after: second! },
      { change: 'gone', before: third! },
    ],
  }
  await page.goto(
    url(
      'diff.html',
      comparisonPage(comparison, { ...rest, sites }, () => driver),
    ),
  )
  await soon(async () =>
    assert.deepEqual((await page.locator('.became').allTextContents()).sort(), [
      'appeared',
      'gone',
      'holds → broken',
    ]),
  )
  assert.match(await page.locator('header').innerText(), /compared with linux-old/)
  const row = rows(page).first()
  await row.locator('summary').first().click()
  await soon(async () => assert.match((await row.textContent()) ?? '', /made by .*:14/))
  assert.ok(((await row.textContent()) ?? '').includes(hostile))
  assert.deepEqual(await seriousIn(page), [])
})
