import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  browserTest,
  buildPlayground,
  type Page,
  playgroundPage,
  seriousIn,
  skip,
  soon,
  tenActors,
  workOf,
} from './browser.ts'

buildPlayground()
const file = playgroundPage

const moved = 'pfn-lookup/follow_pfn+unlock+dma+bo_move'
const at = (hash = ''): string => `${file.href}${hash === '' ? '' : `#${hash}`}`
const opened = (name: string, ...on: string[]): string =>
  at(new URLSearchParams([['test', name], ...on.map((o) => ['on', o])] as [string, string][]).toString())

/** Waits until every column has its result. */
const settled = (page: Page) => page.locator('section.column .verdict:not(.running)').first().waitFor()
const verdict = (page: Page, column = 0) =>
  page.locator('section.column').nth(column).locator('.verdict').innerText()
const editor = (page: Page) => page.getByRole('textbox', { name: 'Litmus test' })
/** Types over the whole text, as somebody who pastes does. */
async function write(page: Page, text: string): Promise<void> {
  await editor(page).focus()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}
const said = (page: Page, text: string | RegExp) => page.locator('#said').filter({ hasText: text }).waitFor()

test('the page is at most 300 kB compressed without the C front end, its auditor and their drivers, 500 kB with them', {
  skip,
}, () => {
  const page = readFileSync(file, 'utf8')
  const without = page.replaceAll(/<script type="[\w/]+" id="(?:auditor|examples)">[\s\S]*?<\/script>/g, '')
  assert.ok(without.length < page.length)
  const [small, whole] = [gzipSync(without).length, gzipSync(page).length]
  assert.ok(small <= 300_000 && whole <= 500_000, `${small} and ${whole} bytes`)
})

browserTest('it opens with a test, its verdict and its run, from a file', async (page) => {
  await page.goto(at())
  await settled(page)
  await soon(async () => assert.match(await verdict(page), /[✗✓]/))
  await page
    .locator(`.viewer[aria-label^="${moved.split('/')[1]}"] .step`)
    .first()
    .waitFor()
})

// By the clock once in a few loads; where other processes want the machine, by what the page's thread has worked until then.
browserTest('the first step is there within 0.3 s of loading', async (page) => {
  const said: string[] = []
  for (let i = 0; i < 6; i++) {
    await page.goto('about:blank')
    const worked = await workOf(page)
    const before = await worked()
    await page.goto(opened(moved, '5.9'))
    await page.locator('.viewer .step').first().waitFor()
    const clock = await page.evaluate<number>('performance.getEntriesByName("first step")[0].startTime')
    const after = await worked()
    // Another process draws the new page, or the same.
    const work = after > before ? after - before : after
    if (clock < 300 || work < 300) return
    said.push(`${Math.round(clock)} ms, of it ${Math.round(work)} of work`)
  }
  assert.fail(said.join('; '))
})

browserTest(
  'a promise that breaks is shown with the run that breaks it, in the words of the promise',
  async (page) => {
    await page.goto(opened(moved, '5.9'))
    await settled(page)
    await soon(async () => assert.match(await verdict(page), /✗ broken\s+use-after-free/))
    await soon(async () => assert.match(await page.locator('.expected').innerText(), /as the test expects/))
    await soon(async () =>
      assert.match(await page.locator('.breaks').innerText(), /use-after-free[\s\S]*frame[\s\S]*f0/),
    )
    await soon(async () => assert.ok((await page.locator('.memory .thing.frame.hit').count()) >= 1))
    await soon(async () => assert.ok((await page.locator('.memory .link.stale').count()) >= 1))
  },
)

browserTest(
  'a run is stepped to its end with keys, buttons and the slider, and marks what changed',
  async (page) => {
    await page.goto(opened(moved, '5.9'))
    await settled(page)
    const count = page.locator('.viewer-count')
    const [, last = ''] = /\/ (\d+)/.exec(await count.innerText()) ?? []
    await page.locator('.viewer').focus()
    await page.keyboard.press('Home')
    await soon(async () => assert.equal(await count.innerText(), `0 / ${last}`))
    await soon(async () => assert.equal(await page.locator('.memory .link.stale').count(), 0))
    for (let i = 0; i < Number(last); i++) await page.keyboard.press('ArrowRight')
    await soon(async () => assert.equal(await count.innerText(), `${last} / ${last}`))
    await page.getByRole('button', { name: 'One step back' }).click()
    await soon(async () => assert.equal(await count.innerText(), `${Number(last) - 1} / ${last}`))
    await page.getByRole('slider', { name: 'Step' }).fill('3')
    await soon(async () => assert.equal(await count.innerText(), `3 / ${last}`))
    await soon(async () =>
      assert.ok((await page.locator('.memory .changed, .memory .added, .memory .link.new').count()) > 0),
    )
    await page.locator('.step button').last().click()
    await soon(async () => assert.equal(await count.innerText(), `${last} / ${last}`))
  },
)

browserTest(
  'an edit is checked as one types, and a mistake is shown under the text with what it may have meant',
  async (page) => {
    await page.goto(opened(moved, '5.9'))
    await settled(page)
    const text = await page.evaluate<string>(
      'document.querySelector(".editor").shadowRoot.querySelector(".cm-content").innerText',
    )
    await write(page, text.replace('follow_pfn(p', 'folow_pfn(p'))
    await page.locator('.verdict.unknown').waitFor()
    await soon(async () => assert.match(await verdict(page), /it cannot be run[\s\S]*folow_pfn/))
    await page.locator('.cm-lintRange-error').first().hover()
    await page
      .locator('.cm-tooltip .cm-diagnostic')
      .filter({ hasText: 'did you mean `follow_pfn`' })
      .waitFor()
    await write(page, text)
    await page.locator('.verdict.bad').waitFor()
  },
)

browserTest('operations are completed and explained, with where the kernel has them', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  await editor(page).focus()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('\nfollow_p')
  const list = page.locator('.cm-tooltip-autocomplete')
  await list.filter({ hasText: 'follow_pfn' }).waitFor()
  await soon(async () =>
    assert.match(
      await page.locator('.cm-completionInfo .word').innerText(),
      /follow_p\w+\([\s\S]*mm\/memory\.c/,
    ),
  )
  await page.keyboard.press('Escape')
  await page
    .locator('.cm-line')
    .filter({ hasText: 'r0 = follow_pfn' })
    .locator('span')
    .filter({ hasText: 'follow_pfn' })
    .first()
    .hover()
  await page.locator('.cm-tooltip-hover .word').filter({ hasText: 'mm/memory.c' }).waitFor()
})

browserTest('flags and the places where memory can be are completed, too', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  await editor(page).focus()
  await page.keyboard.press('Control+End')
  const list = page.locator('.cm-tooltip-autocomplete')
  for (const [typed, word] of [
    ['MAP_P', 'MAP_POPULATE'],
    ['VM_PF', 'VM_PFNMAP'],
    ['vra', 'vram'],
    ['FOLL_L', 'FOLL_LONGTERM'],
  ] as const) {
    await page.keyboard.type(`\n${typed}`)
    await list.filter({ hasText: word }).waitFor()
    await page.keyboard.press('Escape')
  }
})

browserTest('a release between those that were read can be chosen', async (page) => {
  await page.goto(opened('pfn-lookup/follow_pfn+unlock+dma+bo_move', '6.9'))
  await page.locator('section.column .verdict.bad').waitFor()
  await page.locator('section.column select').first().selectOption('6.10')
  await page.locator('section.column .verdict.absent').waitFor()
})

browserTest('nothing moves by itself where the reader wants no motion', async (page) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto(at())
  await settled(page)
  const moving = await page.evaluate<string[]>(`[...document.querySelectorAll('*')].filter((e) => {
    const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(e)
    return transitionDuration.split(',').some((d) => parseFloat(d) > 0) || animationName !== 'none' || scrollBehavior === 'smooth'
  }).map((e) => e.outerHTML.slice(0, 80))`)
  assert.deepEqual(moving, [])
})

browserTest('two kernels stand side by side: broken in one, not there in the other', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  await page.getByRole('button', { name: 'Compare' }).click()
  await soon(async () => assert.equal(await page.locator('section.column').count(), 2))
  const second = page.locator('section.column').nth(1)
  await second.locator('select').first().selectOption('5.9')
  await second.locator('.policies summary').click()
  await second.locator('select[name=follow_pfn]').selectOption('strict')
  await second.locator('.verdict.good').waitFor()
  await soon(async () => assert.match(await verdict(page, 0), /broken/))
  await soon(async () => assert.match(await verdict(page, 1), /every promise holds/))
  await second.locator('select').first().selectOption('7.2')
  await second.locator('.verdict.absent').waitFor()
  await soon(async () =>
    assert.match(await verdict(page, 1), /not in this kernel[\s\S]*follow_pfn is in kernels before 6\.10/),
  )
  await second.getByRole('button', { name: /^Close/ }).click()
  await soon(async () => assert.equal(await page.locator('section.column').count(), 1))
})

browserTest('a step in one column is a step in the other, until that is switched off', async (page) => {
  await page.goto(at())
  await settled(page)
  await page.getByRole('button', { name: 'Compare' }).click()
  const counts = page.locator('section.column .viewer-count')
  await soon(async () => assert.equal(await counts.count(), 2))
  await page.locator('section.column .viewer').first().focus()
  await page.keyboard.press('Home')
  await soon(async () =>
    assert.deepEqual(
      (await counts.allTextContents()).map((t) => t.split(' ')[0]),
      ['0', '0'],
    ),
  )
  await page.getByRole('button', { name: 'Step together' }).click()
  await page.locator('section.column .viewer').first().focus()
  await page.keyboard.press('ArrowRight')
  await soon(async () =>
    assert.deepEqual(
      (await counts.allTextContents()).map((t) => t.split(' ')[0]),
      ['1', '0'],
    ),
  )
})

browserTest('every final state has a run that leads to it', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  const row = page.locator('.outcomes tbody tr').filter({ hasText: '-EINVAL' })
  await row.getByRole('button', { name: /run/ }).click()
  await soon(async () => assert.equal(await page.locator('.breaks').count(), 0))
  await soon(async () => assert.match(await page.locator('.timeline').innerText(), /r0 = -EINVAL/))
})

browserTest('a link holds a test that was changed, the kernel and the step', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  const text = await page.evaluate<string>(
    'document.querySelector(".editor").shadowRoot.querySelector(".cm-content").innerText',
  )
  await write(page, text.replace(/^C \S+/, 'C mine'))
  await page.locator('.viewer[aria-label^="mine"]').waitFor()
  await page.locator('.viewer').focus()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  const count = await page.locator('.viewer-count').innerText()
  await page.getByRole('button', { name: 'Copy link' }).click()
  await said(page, /link/)
  const link = page.url()
  assert.match(link, /text=/)
  assert.ok(link.length < 2000, `${link.length} characters`)
  await page.goto('about:blank')
  await page.goto(link)
  await page.locator('.viewer[aria-label^="mine"]').waitFor()
  await soon(async () => assert.equal(await page.locator('.viewer-count').innerText(), count))
})

browserTest('a link that makes no sense opens the playground all the same', async (page) => {
  for (const hash of [
    'text=%%%',
    'text=AAAA&on=9.9|x|9999999',
    'test=no/such&on=||',
    'on=5.9 follow_pfn=nonsense',
  ]) {
    await page.goto('about:blank')
    await page.goto(at(hash))
    await page.locator('section.column .verdict:not(.running)').first().waitFor()
  }
})

browserTest('a step is saved as an SVG picture of its own', async (page) => {
  await page.goto(opened(moved, '5.9'))
  await settled(page)
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /SVG/ }).click(),
  ])
  assert.match(saved.suggestedFilename(), /^follow_pfn\+unlock\+dma\+bo_move-5\.9-\d+\.svg$/)
  const svg = readFileSync(await saved.path(), 'utf8')
  assert.match(svg, /^<\?xml[\s\S]*<svg class="export"[\s\S]*use-after-free[\s\S]*<\/svg>\n$/)
})

browserTest('the corpus is searched by names and text, and a test opens', async (page) => {
  await page.goto(at())
  await settled(page)
  await page.getByRole('searchbox').fill('videobuf')
  const found = page.locator('.corpus li')
  await soon(async () => assert.ok((await found.count()) >= 1))
  await found.first().locator('button').click()
  await page.locator('.viewer[aria-label*="videobuf"]').waitFor()
  await page.getByRole('searchbox').fill('nothing has these words')
  await soon(async () => assert.equal(await found.count(), 0))
})

/** So many processes that take nothing from each other make as many states as a machine will bear. */
const wide = (n: number, body: string): string =>
  `C wide\n\n{ mm A; A:p = mmap(NULL, 1 page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS); }\n\n${Array.from({ length: n }, (_, i) => `P${i}(mm A)\n{\n${body}}\n`).join('\n')}`

browserTest(
  'a long check says how far it is and is stopped at once; unknown is not called safe',
  async (page) => {
    await page.goto(at())
    await settled(page)
    await write(
      page,
      wide(
        9,
        '\tmmap_read_lock();\n\tmmap_read_unlock();\n\tmmap_read_lock();\n\tmmap_read_unlock();\n\tmmap_read_lock();\n\tmmap_read_unlock();\n',
      ),
    )
    await page.locator('.verdict.running').filter({ hasText: 'states' }).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await soon(async () => assert.match(await verdict(page), /stopped[\s\S]*may be there/))
    await page.getByRole('button', { name: 'New', exact: true }).click()
    await page.locator('.verdict.good').waitFor()
  },
)

// What a step costs in time `npm run bench page` measures. Here, on machines that do other things too, what it changes in the page.
browserTest('a step of ten actors changes what it is about, and makes nothing else anew', async (page) => {
  await page.goto(at())
  await settled(page)
  await write(page, tenActors)
  await page.locator('.viewer[aria-label^="ten,"]').waitFor({ timeout: 30_000 })
  await soon(async () => assert.equal(await page.locator('.viewer-count').innerText(), '20 / 20'))
  const { all, made, changed } = await page.evaluate<{ all: number; made: number; changed: number }>(`(() => {
    const viewer = document.querySelector('.viewer')
    const press = (key) => viewer.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
    press('Home')
    const observer = new MutationObserver(() => {})
    observer.observe(viewer, { subtree: true, childList: true, attributes: true, characterData: true })
    const most = { all: viewer.querySelectorAll('*').length, made: 0, changed: 0 }
    for (let i = 0; i < 20; i++) {
      press('ArrowRight')
      const records = observer.takeRecords()
      most.changed = Math.max(most.changed, records.length)
      most.made = Math.max(most.made, records.reduce((n, r) => n + [...r.addedNodes].reduce((m, a) => m + 1 + (a.querySelectorAll?.('*').length ?? 0), 0), 0))
    }
    return most
  })()`)
  assert.ok(all > 400, `${all} elements`)
  assert.ok(changed > 0 && changed < all / 4 && made < all / 8, `of ${all}: ${changed} changes, ${made} made`)
})

browserTest('with the keyboard alone: choose a test, a kernel, a run, and step through it', async (page) => {
  await page.goto(at())
  await settled(page)
  const focused = () =>
    page.evaluate<string>(
      'document.activeElement.closest(".viewer") ? "viewer" : document.activeElement.outerHTML.slice(0, 200)',
    )
  let trail = ''
  // Every test of the corpus is a stop on the way.
  for (let i = 0; i < 700; i++) {
    await page.keyboard.press('Tab')
    trail = await focused()
    if (trail === 'viewer') break
  }
  assert.equal(trail, 'viewer', 'Tab reaches the run, also through the editor')
  await page.keyboard.press('Home')
  await soon(async () => assert.match(await page.locator('.viewer-count').innerText(), /^0 \//))
  await page.keyboard.press('ArrowRight')
  await soon(async () => assert.match(await page.locator('.viewer-count').innerText(), /^1 \//))
})

for (const [width, height] of [
  [360, 740],
  [1024, 768],
  [1920, 1080],
] as const)
  for (const colorScheme of ['light', 'dark'] as const)
    browserTest(
      `axe finds nothing serious and nothing is wider than the screen at ${width}, ${colorScheme}`,
      async (page) => {
        await page.goto(opened(moved, '5.9', '5.9 follow_pfn=strict'))
        await page.locator('section.column').nth(1).locator('.verdict.good').waitFor()
        await soon(async () => assert.deepEqual(await seriousIn(page), []))
        await soon(async () =>
          assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width),
        )
      },
      { width, height, colorScheme },
    )

const flagCell = (page: Page, cell: string, kernel: string) =>
  page.locator(`[data-cell="${cell}"][data-kernel="${kernel}"]`)

browserTest(
  'the flags table is computed in the page, a column for each kernel, and a cell opens its test',
  async (page) => {
    await page.goto(at())
    await page.getByRole('button', { name: 'Flags', exact: true }).click()
    const kernels = page.getByRole('group', { name: 'Kernels', exact: true })
    for (const kernel of ['6.1', '6.12', '7.2'])
      await kernels.getByRole('button', { name: kernel, exact: true }).click()
    await soon(async () =>
      assert.equal(await flagCell(page, 'I/shared/fast', '6.12').textContent(), '→EFAULT✓'),
    )
    assert.equal(await flagCell(page, 'I/shared/fast', '6.1').textContent(), 'yes✓')
    assert.equal(await flagCell(page, 'I/shared/fast', '7.2').count(), 0)
    await soon(async () =>
      assert.match((await page.locator('#flags').textContent()) ?? '', /Every cell is a litmus test/),
    )
    await page.getByRole('checkbox', { name: 'Only what differs' }).click()
    await soon(async () =>
      assert.equal(await page.locator('.flags-table').first().locator('tbody tr').count(), 4),
    )
    assert.deepEqual(await seriousIn(page), [])
    await flagCell(page, 'I/shared/fast', '6.12').click()
    await settled(page)
    await soon(async () => assert.match(await editor(page).innerText(), /flags-I-shared-fast/))
    await soon(async () => assert.match(await verdict(page), /every promise holds/))
    await soon(async () => assert.match(page.url(), /on=6\.12/))
  },
)

browserTest(
  'cells that a real kernel confirmed are marked, others are not, nor when more flags are added',
  async (page) => {
    await page.goto(at('view=flags&on=7.2&on=5.9'))
    const confirmed = flagCell(page, 'IM/shared/fast', '7.2')
    await soon(async () => assert.equal(await confirmed.textContent(), 'EFAULT✓'))
    assert.match((await confirmed.getAttribute('aria-label')) ?? '', /confirmed by a real kernel$/)
    // Nobody asked 5.9.
    await soon(async () =>
      assert.equal(await flagCell(page, 'IM/shared/fast', '5.9').textContent(), 'EFAULT'),
    )
    await page.getByRole('checkbox', { name: 'VM_DONTEXPAND' }).click()
    await soon(async () => assert.equal(await confirmed.textContent(), 'EFAULT'))
  },
)

browserTest('a link holds the kernels and the combinations of the flags table, and a cell', async (page) => {
  await page.goto(at('view=flags&on=6.1&on=6.12'))
  const flags = page.getByRole('group', { name: 'Flags', exact: true })
  for (const name of ['none', 'PFNMAP', 'MIXEDMAP'])
    await flags.getByRole('button', { name, exact: true }).click()
  await soon(async () => assert.match(page.url(), /flags=PM\+I\+IP\+IM\+IPM/))
  const link = page.url()
  await page.goto('about:blank')
  await page.goto(link)
  await flagCell(page, 'I/shared/fast', '6.12').waitFor()
  assert.equal(await flagCell(page, 'M/shared/fast', '6.12').count(), 0)
  await page.goto('about:blank')
  await page.goto(at('cell=IM/shared/fast&on=6.1'))
  await settled(page)
  await soon(async () => assert.match(await editor(page).innerText(), /flags-IM-shared-fast/))
})

for (const [width, height] of [
  [360, 740],
  [1024, 768],
  [1920, 1080],
] as const)
  browserTest(
    `the flags table keeps within the screen at ${width}, and its questions in sight`,
    async (page) => {
      await page.goto(at('view=flags'))
      await page.locator('[data-cell="IPM/private/fast"]').waitFor()
      await soon(async () =>
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width),
      )
      const [seen, all, left] = await page.evaluate<[number, number, number]>(`(() => {
        const table = document.querySelector('.flags-table')
        table.scrollLeft = 10000
        return [table.clientWidth, table.scrollWidth, table.querySelector('tbody th').getBoundingClientRect().left]
      })()`)
      assert.ok(left >= 0, `the questions stand at ${left}`)
      if (width > 1000) assert.ok(all <= seen, `${all} of ${seen} pixels`)
    },
    { width, height, colorScheme: width === 1024 ? 'dark' : 'light' },
  )
