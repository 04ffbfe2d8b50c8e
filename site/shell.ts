import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { relative } from './links.ts'
import { escape, type Heading } from './markdown.ts'
import { type Page, shelves, folders } from './shelves.ts'
import { css } from './style.ts'

/** Light or dark as in the playground, which keeps what was chosen under the same name. */
const script = `(() => {
const root = document.documentElement
let kept = null
try { kept = localStorage.getItem('theme') } catch {}
if (kept === 'light' || kept === 'dark') root.dataset.theme = kept
addEventListener('DOMContentLoaded', () => {
  const button = document.getElementById('theme')
  const dark = () => root.dataset.theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset.theme === 'dark'
  const draw = () => {
    button.hidden = false
    button.textContent = dark() ? '☀' : '☾'
    button.title = dark() ? 'Light colours' : 'Dark colours'
    button.setAttribute('aria-label', button.title)
  }
  button.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark'
    try { localStorage.setItem('theme', root.dataset.theme) } catch {}
    draw()
  })
  draw()
  const here = document.querySelector('.contents [aria-current]')
  const contents = document.getElementById('contents')
  if (here.offsetTop > contents.clientHeight) contents.scrollTop = here.offsetTop - contents.clientHeight / 2
})
})()`

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(css)}; img-src data:; base-uri 'none'; form-action 'none'`

/** A page as a file of its own, which loads nothing. */
export function shell(page: Page, body: string, headings: readonly Heading[], all: readonly Page[]): string {
  const to = (path: string): string => escape(relative(page.path, path))
  const index = all.indexOf(page)
  const beside = (i: number): Page | undefined => (all[i]?.shelf === page.shelf ? all[i] : undefined)
  const [before, next] = [beside(index - 1), beside(index + 1)]
  const turn =
    before === undefined && next === undefined
      ? ''
      : `<nav class="turn" aria-label="Before and after">${before === undefined ? '' : `<a href="${to(before.path)}">← ${escape(before.title)}</a>`}${next === undefined ? '' : `<a href="${to(next.path)}">${escape(next.title)} →</a>`}</nav>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(page.title)}${page.path === 'index.html' ? '' : ' · tenure'}</title>
<link rel="icon" href="data:,">
<style>${css}</style>
<script>${script}</script>
</head>
<body>
<a class="skip" href="#main">To the text</a>
<header>
<a class="brand" href="${to('index.html')}">tenure <small>who holds which page, for how long, and what breaks</small></a>
<a class="to to-contents" href="#contents">Contents</a>
<a class="to" href="${to('../index.html')}">Playground</a>
<button type="button" id="theme" class="quiet" hidden></button>
</header>
<main id="main" tabindex="-1">
<article${body.includes('class="flags"') ? ' class="broad"' : ''}>
${body}
</article>
${turn}
</main>
<nav class="contents" id="contents" aria-label="Contents">
${contents(page, headings, all)}
</nav>
</body>
</html>
`
}

/** Every shelf; a folder's pages are named where one of them is read. */
function contents(page: Page, headings: readonly Heading[], all: readonly Page[]): string {
  const item = (p: Page, title: string, within = ''): string =>
    `<li><a href="${escape(relative(page.path, p.path))}"${p === page ? ' aria-current="page"' : ''}>${escape(title)}</a>${within}</li>`
  const parts = headings.filter((h) => h.depth === 2)
  const own =
    parts.length < 2
      ? ''
      : `<ul>${parts.map((h) => `<li><a href="#${escape(h.id)}">${escape(h.text)}</a></li>`).join('')}</ul>`
  const list = (pages: readonly Page[]): string =>
    `<ul>${pages.map((p) => item(p, p.title, p === page ? own : '')).join('\n')}</ul>`
  return shelves
    .map((shelf) => {
      const members = all.filter((p) => p.shelf === shelf)
      const folder = folders[shelf]
      if (folder === undefined)
        return shelf === 'Start' ? list(members) : `<h2>${escape(shelf)}</h2>\n${list(members)}`
      const [front, ...rest] = members
      const open = page.shelf === shelf
      return `<ul>${item(front!, `${shelf} (${rest.length})`, open ? `<ul>${rest.map((p) => item(p, p.title)).join('\n')}</ul>` : '')}</ul>`
    })
    .join('\n')
}

/** Where a link of a page leads, below the site's folder. */
export const leadsTo = (from: string, href: string): string => posix.join(posix.dirname(from), href)
