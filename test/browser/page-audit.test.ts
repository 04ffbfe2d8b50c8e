import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { audit } from '../../src/audit/index.ts'
import { openTree, Program } from '../../src/source/index.ts'
import { browserTest, buildPlayground, type Page, playgroundPage, seriousIn, soon } from './browser.ts'
import { hostile } from './sample.ts'

buildPlayground()
const url = `${playgroundPage.href}#view=audit`
const examples = fileURLToPath(new URL('../../../examples/', import.meta.url))
const example = (name: string) => readFileSync(`${examples}${name}`, 'utf8')

const give = (page: Page, ...files: [string, string][]) =>
  page
    .locator('input[type=file]')
    .setInputFiles(
      files.map(([name, text]) => ({ name, mimeType: 'text/x-c', buffer: Buffer.from(text, 'latin1') })),
    )

browserTest(
  'a file that is opened is audited: sites, verdicts, lines marked in the source, runs',
  async (page) => {
    await page.goto(url)
    await give(page, ['mine.c', example('grabber_unlock_first.c')])
    const row = page.locator('.site.bad').filter({ hasText: 'mine.c' }).first()
    await row.waitFor()
    await page.locator('.cm-lintRange-error').first().waitFor()
    await row.locator('summary').first().click()
    await soon(async () => assert.ok((await row.locator('.step').count()) > 3))
    await soon(async () => assert.match(await row.locator('.breaks').innerText(), /use-after-free/))
    await soon(async () =>
      assert.match(await row.locator('.step .place').first().innerText(), /^mine\.c:\d+$/),
    )
  },
)

browserTest('files that are dropped are audited', async (page) => {
  await page.goto(url)
  await page.locator('.site').first().waitFor()
  await page.evaluate(`(() => {
    const data = new DataTransfer()
    data.items.add(new File([${JSON.stringify(example('window_copy_after_unlock.c'))}], 'dropped.c'))
    document.querySelector('.audit').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  })()`)
  await page.locator('.site').filter({ hasText: 'dropped.c' }).first().waitFor()
})

browserTest('the page and the command line say the same of every example', async (page) => {
  const names = readdirSync(examples)
    .filter((n) => n.endsWith('.c'))
    .sort()
  const tree = (await openTree(examples)).value!
  const program = new Program(tree)
  const { sites } = await audit(program, {
    treeKernel: undefined,
    version: '',
    path: examples,
  })
  await program.close()
  await page.goto(url)
  await page.locator('.site').first().waitFor()
  await give(page, ...names.map((n): [string, string] => [n, example(n)]))
  await page
    .locator('.count')
    .filter({ hasText: `of ${sites.length} findings` })
    .waitFor({ timeout: 30_000 })
  await page.locator('.filters select').last().selectOption('place')
  const shown = await page.evaluate<string[]>(
    '[...document.querySelectorAll(".site > summary")].map((s) => s.querySelector(".where").textContent + " " + s.querySelector(".verdict-word").textContent.slice(2))',
  )
  assert.deepEqual(
    shown,
    sites.map((s) => `${s.file}:${s.line} ${s.verdict}`),
  )
})

browserTest('the test behind a finding opens as a test, and gives the same verdict', async (page) => {
  await page.goto(url)
  await give(page, ['mine.c', example('grabber_unlock_first.c')])
  const row = page.locator('.site.bad').filter({ hasText: 'mine.c' }).first()
  await row.locator('summary').first().click()
  await row.locator('.test summary').last().click()
  await row.locator('.test').last().getByRole('button').click()
  await page.locator('section.column .verdict.bad').waitFor()
  await soon(async () => assert.match(await page.locator('.expected').innerText(), /as the test expects/))
})

browserTest('what is no C is refused in words, broken C does not break the page', async (page) => {
  await page.goto(url)
  await page.locator('.site').first().waitFor()
  await give(page, ['picture.png', 'x'])
  await page.locator('.verdict.unknown').filter({ hasText: 'picture.png is no .c or .h file' }).waitFor()
  await give(page, ['binary.c', 'int\0main'])
  await page.locator('.verdict.unknown').filter({ hasText: 'binary.c is not text' }).waitFor()
  await give(page, ['torn.c', example('grabber_unlock_first.c').slice(0, 700)])
  await page.locator('.audit-found .verdict:not(.running), .audit-found .count').first().waitFor()
})

browserTest('a hostile file is text in the page, too', async (page) => {
  await page.goto(url)
  const text = example('grabber_unlock_first.c').replace('/*', `/* ${hostile}\n`)
  await give(page, [`${hostile.replaceAll('/', '_')}.c`, text])
  const row = page.locator('.site').filter({ hasText: '<img src=x' }).first()
  await row.waitFor()
  await row.locator('summary').first().click()
  await soon(async () =>
    assert.equal(await page.evaluate<number>('document.querySelectorAll("img").length'), 0),
  )
  await soon(async () => assert.equal(await page.evaluate<string>('document.title'), 'tenure playground'))
})

for (const colorScheme of ['light', 'dark'] as const)
  browserTest(
    `axe finds nothing serious in the audit, ${colorScheme}`,
    async (page) => {
      await page.goto(url)
      await page.locator('.site.bad summary').first().click()
      await page.locator('.viewer').first().waitFor()
      await soon(async () => assert.deepEqual(await seriousIn(page), []))
    },
    { colorScheme },
  )

browserTest(
  'the audit fits a phone',
  async (page) => {
    await page.goto(url)
    await page.locator('.site.bad summary').first().click()
    await page.locator('.viewer').first().waitFor()
    await soon(async () =>
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 360),
    )
  },
  { width: 360, height: 740 },
)
