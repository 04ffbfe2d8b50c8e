import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** A page of the site: where it stands there, and the Markdown that it is made of. */
export type Page = {
  /** Below the site's folder: `guide/first-audit.html`. */
  readonly path: string
  /** Below the project's folder; pages that are made of the code alone have none. */
  readonly file?: string
  readonly title: string
  readonly shelf: Shelf
  /** What stands before the Markdown and behind it, as Markdown, too. */
  readonly markdown: string
}
export type Shelf = (typeof shelves)[number]

/** The parts of the site, as its contents have them. */
export const shelves = [
  'Start',
  'Guide',
  'The thread of 2020, answered',
  'Reference',
  'Operations',
  'Invariants',
  'Classes of mistakes',
  'Protocols',
  'Policies',
  'The project',
] as const

/** Folders with a page for each thing, beside the code that it is about. */
export const folders: Partial<Record<Shelf, { readonly from: string; readonly to: string }>> = {
  Operations: { from: 'src/kernel/ops', to: 'operations' },
  Invariants: { from: 'src/kernel/invariants', to: 'invariants' },
  'Classes of mistakes': { from: 'src/audit/classes', to: 'classes' },
  Protocols: { from: 'src/audit/protocols', to: 'protocols' },
  Policies: { from: 'src/kernel/policies', to: 'policies' },
}

/** Every page that is written by hand. */
export function writtenPages(): Page[] {
  // docs/README.md names its pages in the order in which they are read.
  const start = readFileSync('docs/README.md', 'utf8')
  const named = [...start.matchAll(/\]\(([\w./-]+\.md)\)/g)].map((m) => m[1]!)
  const inDocs = readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.md') && f !== 'README.md')
    .map((f) => f.replaceAll('\\', '/'))
  const left = inDocs.filter((f) => !named.includes(f))
  if (left.length > 0) throw new Error(`docs/README.md does not name ${left.join(', ')}`)
  const shelfOf = (file: string): Shelf =>
    file.startsWith('guide/')
      ? 'Guide'
      : file.startsWith('adr/')
        ? 'The project'
        : file === 'thread.md'
          ? 'The thread of 2020, answered'
          : 'Reference'
  return [
    page('docs/README.md', 'index.html', 'Start'),
    ...[...new Set(named)].map((f) => page(`docs/${f}`, f.replace(/md$/, 'html'), shelfOf(f))),
    ...shelves.flatMap((shelf) => {
      const folder = folders[shelf]
      return folder === undefined
        ? []
        : readdirSync(folder.from)
            .filter((f) => f.endsWith('.md'))
            .sort()
            .map((f) => page(`${folder.from}/${f}`, `${folder.to}/${f.replace(/md$/, 'html')}`, shelf))
    }),
    ...['ARCHITECTURE', 'WARTS', 'CHANGELOG'].map((name) =>
      page(`${name}.md`, `${name.toLowerCase()}.html`, 'The project'),
    ),
  ]
}

function page(file: string, path: string, shelf: Shelf): Page {
  const markdown = readFileSync(file, 'utf8')
  const title = /^# (.+)$/m.exec(markdown)?.[1]
  if (title === undefined) throw new Error(`${file} has no heading`)
  return { path, file, title: title.replaceAll('`', ''), shelf, markdown }
}

export type CorpusTest = { readonly id: string; readonly text: string }
export const corpus = (): CorpusTest[] =>
  readdirSync('litmus', { recursive: true, encoding: 'utf8' })
    .map((f) => f.replaceAll('\\', '/'))
    .filter((f) => f.endsWith('.litmus'))
    .sort()
    .map((f) => ({ id: f.replace(/\.litmus$/, ''), text: readFileSync(join('litmus', f), 'utf8') }))

/** The code that a page of a folder is about: its name, in the spelling of reports. */
export const codeOf = ({ file, title }: Page): string =>
  file === undefined ? title : title || basename(file, '.md')
