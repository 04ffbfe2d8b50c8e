import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** What the tests use of a browser. Playwright and axe are the playground's own dependencies, so their types are not here. */
export type Page = {
  goto(url: string): Promise<unknown>
  url(): string
  locator(selector: string): Locator
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator
  readonly keyboard: {
    press(key: string): Promise<void>
    type(text: string): Promise<void>
    insertText(text: string): Promise<void>
  }
  evaluate<T>(script: string): Promise<T>
  on(event: string, listener: (what: { text(): string; message: string; type(): string }) => void): void
  setViewportSize(size: { width: number; height: number }): Promise<void>
  emulateMedia(media: { colorScheme: 'light' | 'dark' }): Promise<void>
  waitForEvent(event: 'download'): Promise<{ path(): Promise<string>; suggestedFilename(): string }>
  close(): Promise<void>
}
export type Locator = {
  click(): Promise<void>
  focus(): Promise<void>
  fill(text: string): Promise<void>
  press(key: string): Promise<void>
  hover(): Promise<void>
  count(): Promise<number>
  nth(n: number): Locator
  first(): Locator
  last(): Locator
  locator(selector: string): Locator
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator
  filter(by: { hasText: string | RegExp }): Locator
  innerText(): Promise<string>
  textContent(): Promise<string | null>
  /** As it is written, whether the browser lays it out now or leaves it for later (`content-visibility`). */
  allTextContents(): Promise<string[]>
  inputValue(): Promise<string>
  getAttribute(name: string): Promise<string | null>
  isVisible(): Promise<boolean>
  waitFor(options?: {
    state?: 'visible' | 'hidden' | 'attached' | 'detached'
    timeout?: number
  }): Promise<void>
  selectOption(value: string): Promise<unknown>
  setInputFiles(files: readonly { name: string; mimeType: string; buffer: Buffer }[]): Promise<void>
}
type Browser = {
  newContext(options: object): Promise<{
    newPage(): Promise<Page>
    close(): Promise<void>
    grantPermissions(p: string[]): Promise<void>
  }>
  close(): Promise<void>
}
type Playwright = { chromium: { launch(options: object): Promise<Browser> } }

const require = createRequire(new URL('../../../playground/package.json', import.meta.url))
const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
export const playground = new URL('../../../playground/', import.meta.url)

export const playgroundPage = new URL('dist/index.html', playground)

/** Builds the page that the tests look at. A file that another run has just written is what we would write, too. */
export function buildPlayground(): void {
  if (skip !== false) return
  const built = spawnSync(process.execPath, [fileURLToPath(new URL('build.mjs', playground))], {
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`the playground does not build:\n${built.stdout}${built.stderr}`)
}

function load(name: string): unknown {
  try {
    return require(name)
  } catch {
    return undefined
  }
}
const playwright = load('playwright-core') as Playwright | undefined

/** Why the tests in a browser cannot be run here, if they cannot. */
export const skip: string | false = !existsSync(chromium)
  ? `no browser: ${chromium} is missing (Debian: apt-get install chromium)`
  : playwright === undefined
    ? 'playwright-core is missing: npm --prefix playground ci'
    : false

let browser: Promise<Browser> | undefined
after(async () => (await browser)?.close())

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

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
    browser ??= playwright!.chromium.launch({ executablePath: chromium, args: flags })
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
