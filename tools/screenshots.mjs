// node tools/screenshots.mjs DIR [VIEW…]: every view of the pages, at three widths and in both themes, to be looked at. After npm run playground:build.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [out, ...wanted] = process.argv.slice(2)
if (out === undefined) {
  console.error('usage: node tools/screenshots.mjs DIR [VIEW…]')
  process.exit(2)
}
const require = createRequire(resolve('playground/package.json'))
const { chromium } = require('playwright-core')

const scratch = mkdtempSync(join(tmpdir(), 'tenure-shots-'))
const tenure = (args) => {
  const { stdout, status, stderr } = spawnSync(process.execPath, ['dist/src/cli/main.js', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0 && status !== 1) throw new Error(stderr)
  return stdout
}
const page = (name, html) => {
  const file = join(scratch, name)
  writeFileSync(file, html)
  return pathToFileURL(file).href
}

/** All examples; and two states of a driver, of which one is mended and one is broken anew. */
const reports = () => {
  const [before, after] = ['before', 'after'].map((d) => join(scratch, d))
  for (const d of [before, after]) mkdirSync(d)
  cpSync('examples/grabber_unlock_first.c', join(before, 'grabber.c'))
  cpSync('examples/grabber_lock_held.c', join(after, 'grabber.c'))
  cpSync('examples/window_copy_after_unlock.c', join(after, 'window.c'))
  cpSync('examples/window_copy_before_unlock.c', join(before, 'window.c'))
  return {
    report: page('report.html', tenure(['audit', '--format', 'html', 'examples'])),
    comparison: page('comparison.html', tenure(['audit', '--format', 'html', '--diff', before, after])),
  }
}

const built = pathToFileURL(resolve('playground/dist/index.html')).href
const docs = (path) => pathToFileURL(resolve('playground/dist/docs', path)).href
const story = 'pfn-lookup/follow_pfn+unlock+dma+bo_move'
const on = (test, ...columns) =>
  `${built}#${new URLSearchParams([['test', test], ...columns.map((c) => ['on', c])])}`
const settled = (p) => p.locator('section.column .verdict:not(.running)').first().waitFor()
const made = reports()

/** What to open, and what to do there before the picture is taken. */
const views = {
  editor: [built, settled],
  witness: [on(story, '5.9|broken:use-after-free|4'), settled],
  'witness-below': [
    on(story, '5.9'),
    async (p) => {
      await settled(p)
      await p.locator('.viewer').evaluate((e) => e.scrollIntoView({ block: 'start' }))
    },
  ],
  'ten-lanes': [
    on('dma-buf/move+ignored', '7.2'),
    async (p) => {
      await settled(p)
      await p.locator('.viewer').evaluate((e) => e.scrollIntoView({ block: 'start' }))
    },
  ],
  mistake: [
    on(story, '5.9'),
    async (p) => {
      await settled(p)
      await p.getByRole('textbox', { name: 'Litmus test' }).focus()
      await p.keyboard.press('Control+Home')
      await p.keyboard.type('x ')
      await p.waitForTimeout(900)
    },
  ],
  completion: [
    on(story, '5.9'),
    async (p) => {
      await settled(p)
      await p.getByRole('textbox', { name: 'Litmus test' }).focus()
      await p.keyboard.press('Control+Home')
      for (let i = 0; i < 26; i++) await p.keyboard.press('ArrowDown')
      await p.keyboard.press('End')
      await p.keyboard.type('\nfollow_p')
      await p.waitForTimeout(1200)
    },
  ],
  tests: [
    built,
    async (p) => {
      await settled(p)
      const button = p.locator('#tests-button')
      if (await button.isVisible()) await button.click()
      await p.getByRole('searchbox').fill('dma-buf')
    },
  ],
  comparison: [on(story, '5.9', '5.9 follow_pfn=strict'), settled],
  'comparison-below': [
    on('proposals/dma-buf-mmap+pin', '6.1', '6.1 dma_buf_mmap=pfnmap'),
    async (p) => {
      await settled(p)
      await p
        .locator('.viewer')
        .last()
        .evaluate((e) => e.scrollIntoView({ block: 'start' }))
    },
  ],
  flags: [`${built}#view=flags`, (p) => p.locator('[data-cell="IPM/private/fast"]').waitFor()],
  'flags-three': [
    `${built}#view=flags&on=6.1&on=6.12&on=7.2&flags=-+I+IM`,
    (p) => p.locator('[data-cell="IM/private/fast"]').last().waitFor(),
  ],
  audit: [`${built}#view=audit&file=grabber_unlock_first.c`, (p) => p.locator('.site').first().waitFor()],
  'audit-open': [
    `${built}#view=audit&file=grabber_unlock_first.c`,
    async (p) => {
      await p.locator('.site summary').first().click()
      await p.locator('.site .viewer').first().waitFor()
    },
  ],
  report: [made.report, (p) => p.locator('.site').first().waitFor()],
  'report-open': [
    made.report,
    async (p) => {
      await p.getByRole('searchbox').fill('grabber_copy_line')
      await p.locator('.site summary').first().click()
      await p.locator('.site .viewer').first().waitFor()
    },
  ],
  'report-witness': [
    made.report,
    async (p) => {
      await p.getByRole('searchbox').fill('grabber_copy_line')
      await p.locator('.site summary').first().click()
      await p
        .locator('.site .viewer')
        .first()
        .evaluate((e) => e.scrollIntoView({ block: 'start' }))
    },
  ],
  'report-diff': [
    made.comparison,
    async (p) => {
      await p.locator('.site summary').first().click()
      await p.waitForTimeout(300)
    },
  ],
  docs: [docs('index.html')],
  'docs-guide': [docs('guide/first-litmus-test.html')],
  'docs-block': [
    docs('guide/first-litmus-test.html'),
    (p) =>
      p
        .locator('.block')
        .first()
        .evaluate((e) => e.scrollIntoView({ block: 'start' })),
  ],
  'docs-thread': [docs('thread.html')],
  'docs-operations': [docs('operations/index.html')],
  'docs-operation': [docs('operations/pin_user_pages.html')],
  'docs-class': [docs('classes/pfn-outlives-lock.html')],
  'docs-flags': [
    docs('flags-table.html'),
    (p) =>
      p
        .locator('table')
        .nth(2)
        .evaluate((e) => e.scrollIntoView({ block: 'start' })),
  ],
}

mkdirSync(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
for (const [name, [url, ready]] of Object.entries(views)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  for (const [width, height] of [
    [360, 740],
    [820, 1100],
    [1440, 900],
  ])
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme })
      const p = await context.newPage()
      await p.goto(url)
      await ready?.(p)
      await p.waitForTimeout(400)
      const wide = await p.evaluate(() => document.documentElement.scrollWidth)
      if (wide > width) console.log(`${name}: ${wide} pixels wide at ${width}`)
      await p.screenshot({ path: join(out, `${name}-${width}-${colorScheme}.png`) })
      await context.close()
    }
}
await browser.close()
rmSync(scratch, { recursive: true })
