import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** What the tests and the benchmark use of a browser. Playwright and axe are the playground's own dependencies, so their types are not here. */
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
  emulateMedia(media: {
    colorScheme?: 'light' | 'dark'
    reducedMotion?: 'reduce' | 'no-preference'
  }): Promise<void>
  waitForEvent(event: 'download'): Promise<{ path(): Promise<string>; suggestedFilename(): string }>
  close(): Promise<void>
  context(): {
    newCDPSession(page: Page): Promise<{
      send(method: string): Promise<{ metrics: { name: string; value: number }[] }>
    }>
  }
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
export type Browser = {
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

/** A package of the playground, if it is there. */
export function load(name: string): unknown {
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

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const launch = (): Promise<Browser> =>
  playwright!.chromium.launch({ executablePath: chromium, args: flags })

/** Ten processes that each lock their own address space: as many lanes, mms, mappings and frames, and a run of twenty steps. */
export const tenActors = `C ten

{
${Array.from({ length: 10 }, (_, i) => {
  const mm = 'ABCDEFGHIJ'[i]
  return `  mm ${mm}; ${mm}:p${i} = mmap(NULL, 1 page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);\n`
}).join('')}}

${Array.from({ length: 10 }, (_, i) => `P${i}(mm ${'ABCDEFGHIJ'[i]})\n{\n\tmmap_read_lock();\n\tmmap_read_unlock();\n}\n`).join('\n')}`
