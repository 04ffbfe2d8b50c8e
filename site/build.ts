import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expecting, flagsTable, indexOf, withFacts } from './made.ts'
import { render, type Site } from './markdown.ts'
import { shell } from './shell.ts'
import { codeOf, corpus, folders, type Page, shelves, writtenPages } from './shelves.ts'

/** The documentation as a site: every page by its path, as HTML. Nothing is fetched, and no page loads anything. */
export function site(): Map<string, string> {
  const tests = corpus()
  const expected = expecting(tests)
  const written = writtenPages().map((p) => withFacts(p, expected))
  const table = flagsTable('flags-table.html')
  const all: Page[] = shelves.flatMap((shelf) => {
    const members = written.filter((p) => p.shelf === shelf)
    if (folders[shelf] !== undefined) return [indexOf(shelf, members), ...members]
    const at = members.findIndex((p) => p.path === 'flags.html')
    return at < 0 ? members : members.toSpliced(at + 1, 0, table.page)
  })
  const links: Site = {
    byFile: new Map(all.flatMap((p) => (p.file === undefined ? [] : [[p.file, p]]))),
    byCode: codes(written),
    tests: new Map(tests.map((t) => [t.id, t.text])),
  }
  return new Map(
    all.map((p) => {
      const { html, headings } = p === table.page ? { html: table.html, headings: [] } : render(p, links)
      return [p.path, shell(p, html, headings, all)]
    }),
  )
}

/** What stands in text and reports, and its page. An operation comes before a policy of the same name, as one reads about it more often. */
function codes(pages: readonly Page[]): Map<string, Page> {
  const found = new Map<string, Page>()
  for (const shelf of ['Operations', 'Invariants', 'Classes of mistakes', 'Protocols', 'Policies'] as const)
    for (const p of pages.filter((x) => x.shelf === shelf)) {
      if (!found.has(codeOf(p))) found.set(codeOf(p), p)
      if (shelf === 'Policies') found.set(`policy:${codeOf(p)}`, p)
      if (shelf === 'Classes of mistakes') found.set(`class:${codeOf(p)}`, p)
    }
  return found
}

export function writeSite(to: string): number {
  const pages = site()
  rmSync(to, { recursive: true, force: true })
  for (const [path, html] of pages) {
    const file = join(to, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, html)
  }
  return pages.size
}
