import { after, test } from 'node:test'
import { type Browser, launch, load, type Page, skip } from './launch.ts'

export {
  buildPlayground,
  type Locator,
  type Page,
  playground,
  playgroundPage,
  skip,
  tenActors,
} from './launch.ts'

let browser: Promise<Browser> | undefined
after(async () => (await browser)?.close())

/**
 * A test in a page of its own. Whatever the page says on its console as an error (a script that failed, something that its policy forbids)
 * fails the test.
 */
export function browserTest(
  title: string,
  run: (page: Page) => Promise<void>,
  { width = 1440, height = 900, colorScheme = 'light' as 'light' | 'dark' } = {},
): void {
  test(title, { skip, timeout: 60_000 }, async () => {
    browser ??= launch()
    const context = await (await browser).newContext({
      viewport: { width, height },
      colorScheme,
      acceptDownloads: true,
    })
    const page = await context.newPage()
    const wrong: string[] = []
    page.on('console', (m) => {
      if (m.type() === 'error') wrong.push(m.text())
    })
    page.on('pageerror', (e) => wrong.push(e.message))
    try {
      await run(page)
      if (wrong.length > 0) throw new Error(`the page complains: ${wrong.join('\n')}`)
    } catch (e) {
      if (wrong.length > 0 && e instanceof Error) e.message += `\nthe page said: ${wrong.join('\n')}`
      throw e
    } finally {
      await context.close()
    }
  })
}

/** What the page shows in the end. It draws when the browser comes to it, so an assertion that does not hold is asked again for a while. */
export async function soon(check: () => Promise<void>): Promise<void> {
  const until = Date.now() + 15_000
  for (;;) {
    try {
      return await check()
    } catch (e) {
      if (Date.now() > until) throw e
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What the page's thread has worked by now, in ms. What other processes of the machine take is not in it, as it is in the time of a clock. */
export async function workOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * metrics.find((m) => m.name === 'ThreadTime')!.value
  }
}

type Axe = {
  violations: {
    id: string
    impact: string
    help: string
    nodes: { html: string; failureSummary: string }[]
  }[]
}

/** What axe finds serious or critical, in words. */
export async function seriousIn(page: Page): Promise<string[]> {
  const { source } = load('axe-core') as { source: string }
  await page.evaluate(`${source};0`)
  const { violations } = await page.evaluate<Axe>('axe.run(document, { resultTypes: ["violations"] })')
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .flatMap((v) =>
      v.nodes
        .slice(0, 3)
        .map((n) => `${v.id}: ${v.help}: ${n.html.slice(0, 160)} — ${n.failureSummary.slice(0, 240)}`),
    )
}
