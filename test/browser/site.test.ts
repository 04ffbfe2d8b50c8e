import assert from 'node:assert/strict'
import { writeSite } from '../../site/build.ts'
import { browserTest, buildPlayground, playgroundPage, seriousIn, skip, soon } from './browser.ts'
import { fileURLToPath } from 'node:url'

const folder = new URL('docs/', playgroundPage)
if (skip === false) {
  buildPlayground()
  writeSite(fileURLToPath(folder))
}
const at = (path: string): string => new URL(path, folder).href

for (const path of [
  'index.html',
  'guide/first-litmus-test.html',
  'flags-table.html',
  'operations/index.html',
])
  for (const [width, height] of [
    [360, 740],
    [1440, 900],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const)
      browserTest(
        `axe finds nothing serious in ${path} of the documentation, and it keeps within the screen at ${width}, ${colorScheme}`,
        async (page) => {
          await page.goto(at(path))
          await page.locator('h1').waitFor()
          assert.deepEqual(await seriousIn(page), [])
          assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width)
        },
        { width, height, colorScheme },
      )

browserTest(
  'a test that the documentation shows opens in the playground, as it stands there',
  async (page) => {
    await page.goto(at('classes/pfn-outlives-lock.html'))
    await page.getByRole('link', { name: 'Open in the playground' }).first().click()
    await page.locator('.viewer[aria-label^="pfn-outlives-lock"]').waitFor()
    await soon(async () =>
      assert.match(
        await page.locator('section.column .verdict').first().innerText(),
        /✗ broken\s+use-after-free/,
      ),
    )
  },
)

browserTest('a driver that the documentation shows opens in the audit of the playground', async (page) => {
  await page.goto(at('guide/first-audit.html'))
  await page.getByRole('link', { name: 'Open window_copy_after_unlock.c in the playground' }).click()
  await soon(async () =>
    assert.match(await page.locator('.audit-found .site').first().innerText(), /window_copy_after_unlock\.c/),
  )
})

browserTest('a cell of the flags table of the documentation opens its test', async (page) => {
  await page.goto(at('flags-table.html'))
  await page.getByRole('link', { name: 'yes!' }).first().click()
  await page.locator('section.column .verdict.bad').waitFor()
})

browserTest(
  'from the playground to the documentation and back, in the colours that were chosen',
  async (page) => {
    await page.goto(playgroundPage.href)
    await page.getByRole('button', { name: 'Dark colours' }).click()
    await page.getByRole('link', { name: 'Docs', exact: true }).click()
    await page.locator('h1').filter({ hasText: 'tenure, the documentation' }).waitFor()
    assert.equal(await page.evaluate<string>('document.documentElement.dataset.theme'), 'dark')
    await page.getByRole('button', { name: 'Light colours' }).click()
    await page.getByRole('link', { name: 'Playground', exact: true }).click()
    await page.locator('.viewer').first().waitFor()
    assert.equal(await page.evaluate<string>('document.documentElement.dataset.theme'), 'light')
  },
)

browserTest(
  'from a promise that breaks in the playground to the page that says what it means',
  async (page) => {
    await page.goto(playgroundPage.href)
    await page.getByRole('link', { name: 'what it means' }).click()
    await page.locator('h1').filter({ hasText: 'use-after-free' }).waitFor()
  },
)

browserTest(
  'on a phone the contents are one key away and below the text',
  async (page) => {
    await page.goto(at('thread.html'))
    await page.getByRole('link', { name: 'Contents' }).click()
    await soon(async () =>
      assert.ok(
        await page.evaluate<boolean>(
          'document.querySelector("#contents").getBoundingClientRect().top < innerHeight',
        ),
      ),
    )
    await page.locator('#contents').getByRole('link', { name: 'Your first audit' }).click()
    await page.locator('h1').filter({ hasText: 'Your first audit' }).waitFor()
  },
  { width: 360, height: 740 },
)
