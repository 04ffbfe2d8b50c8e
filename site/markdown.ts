import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { Marked, type Tokens } from 'marked'
import { ops } from '../src/kernel/index.ts'
import { inPlayground, relative, slug } from './links.ts'
import type { Page } from './shelves.ts'

/** What a page may point at. */
export type Site = {
  /** Pages by the file that they are made of. */
  readonly byFile: ReadonlyMap<string, Page>
  /** Pages by what stands in reports and in text: `follow_pfn`, `use-after-free`; where one name has several, `policy:follow_pfn`, `class:…`. */
  readonly byCode: ReadonlyMap<string, Page>
  /** Tests of the corpus, by `family/name`. */
  readonly tests: ReadonlyMap<string, string>
}

export type Heading = { readonly id: string; readonly text: string; readonly depth: number }
export type Rendered = { readonly html: string; readonly headings: readonly Heading[] }

/** A page as HTML. What it names has a link: other pages, operations, tests; a test opens in the playground. */
export function render(page: Page, site: Site): Rendered {
  const headings: Heading[] = []
  const taken = new Set<string>()
  let inLink = false
  const marked = new Marked({ gfm: true })
  marked.use({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        const plain = text.replaceAll('`', '')
        let id = slug(plain)
        for (let n = 1; taken.has(id); n++) id = `${slug(plain)}-${n}`
        taken.add(id)
        headings.push({ id, text: plain, depth })
        inLink = true
        const inner = this.parser.parseInline(tokens)
        inLink = false
        return `<h${depth} id="${escape(id)}">${inner}</h${depth}>\n`
      },
      codespan({ text }: Tokens.Codespan) {
        const to = inLink ? undefined : named(text, page, site)
        const code = `<code>${escape(text)}</code>`
        return to === undefined ? code : `<a class="code" href="${escape(to)}">${code}</a>`
      },
      link({ href, text, tokens }: Tokens.Link) {
        inLink = true
        // A page that is called by its file has a name here.
        const inner = /^[\w./-]+\.md$/.test(text)
          ? escape(site.byFile.get(fileOf(href, page))?.title ?? text)
          : this.parser.parseInline(tokens)
        inLink = false
        return `<a href="${escape(target(href, page, site))}">${inner}</a>`
      },
      image({ href, text }: Tokens.Image) {
        const file = posix.join(posix.dirname(page.file ?? 'docs/x'), href)
        if (!file.endsWith('.svg')) throw new Error(`${page.file}: ${href} is no SVG picture`)
        // A page that is opened as a file may load nothing, so the picture is in it.
        const data = readFileSync(file).toString('base64')
        return `<span class="wide picture" tabindex="0"><img src="data:image/svg+xml;base64,${data}" alt="${escape(text)}"></span>`
      },
      table(token: Tokens.Table) {
        const cells = (row: readonly Tokens.TableCell[], tag: string): string =>
          row.map((c) => `<${tag}>${this.parser.parseInline(c.tokens)}</${tag}>`).join('')
        const head = token.header.every((c) => c.text === '')
          ? ''
          : `<thead><tr>${cells(token.header, 'th')}</tr></thead>`
        const body = token.rows.map((r) => `<tr>${cells(r, 'td')}</tr>`).join('\n')
        return `<div class="wide" tabindex="0"><table>${head}<tbody>${body}</tbody></table></div>\n`
      },
      code({ text, lang }: Tokens.Code) {
        return block(text, lang ?? '', page, site)
      },
      html({ text }: Tokens.HTML | Tokens.Tag) {
        if (/^\s*<!--[\s\S]*-->\s*$/.test(text)) return ''
        throw new Error(`${page.file} has markup: ${text.slice(0, 60)}`)
      },
    },
  })
  // An operation and a policy may have the same name; text says which it means.
  const markdown = page.markdown.replaceAll(
    /\b(policy|policies) `(\w+)`/gi,
    (all, word: string, name: string) =>
      site.byCode.has(`policy:${name}`) ? `${word} [\`${name}\`](policy:${name})` : all,
  )
  return { html: marked.parse(markdown, { async: false }), headings }
}

/** Where a word in code type leads: the page of an operation, an invariant, a class; a test. */
function named(text: string, page: Page, site: Site): string | undefined {
  const test = /^(?:litmus\/)?(.+?)(?:\.litmus)?$/.exec(text)?.[1]
  if (test !== undefined && site.tests.has(test)) return inPlayground(page.path, { test })
  const code = /^([\w-]+)(?:\(.*\))?$/s.exec(text)?.[1]
  const policy = /^([\w-]+)=[\w-]+$/.exec(text)?.[1]?.replaceAll('-', '_')
  const to = site.byCode.get(policy === undefined ? (code ?? '') : `policy:${policy}`)
  return to === undefined || to === page ? undefined : relative(page.path, to.path)
}

/** A link of the Markdown, as one of the site. */
function target(href: string, page: Page, site: Site): string {
  if (href.startsWith('example:')) return inPlayground(page.path, { example: href.slice('example:'.length) })
  if (href.startsWith('policy:')) return relative(page.path, site.byCode.get(href)!.path)
  if (/^[a-z]+:/.test(href) || href.startsWith('#')) return href
  const [, anchor] = href.split('#')
  const path = fileOf(href, page)
  const test = /^litmus\/(.*)\.litmus$/.exec(path)?.[1]
  if (test !== undefined && site.tests.has(test)) return inPlayground(page.path, { test })
  const to = site.byFile.get(path)
  if (to === undefined)
    throw new Error(
      `${page.file} points at ${path}, which ${existsSync(path) ? 'is no page' : 'is not there'}`,
    )
  return `${relative(page.path, to.path)}${anchor === undefined ? '' : `#${anchor}`}`
}

const fileOf = (href: string, page: Page): string =>
  posix.join(posix.dirname(page.file ?? 'docs/x'), href.split('#')[0]!)

function block(text: string, lang: string, page: Page, site: Site): string {
  const box = (inner: string, below = ''): string =>
    `<div class="block"><pre tabindex="0"><code>${inner}</code></pre>${below}</div>\n`
  const link = (to: string, label: string): string =>
    `<a class="open" href="${escape(to)}">${escape(label)}</a>`
  if (lang === 'litmus') {
    // A first line that is a path names the test of the corpus that follows.
    const [, path, body = text] = /^litmus\/(\S+)\.litmus\n\n([\s\S]*)$/.exec(text) ?? []
    const to = inPlayground(
      page.path,
      path !== undefined && site.tests.has(path) ? { test: path } : { text: `${body}\n` },
    )
    return box(litmus(body, page, site), link(to, 'Open in the playground'))
  }
  if (lang === 'console' || lang === 'sh') {
    const checks = [...text.matchAll(/^\$ tenure check (?:--kernel (\S+) )?.*?litmus\/(\S+)\.litmus/gm)]
    const opened = checks.flatMap(([, kernel, test]) =>
      site.tests.has(test!)
        ? [
            link(
              inPlayground(page.path, { test: test! }, kernel),
              `Open ${test!.split('/').at(-1)!}${kernel === undefined ? '' : ` on ${kernel}`} in the playground`,
            ),
          ]
        : [],
    )
    const audits = [...text.matchAll(/^\$ tenure audit .*?examples\/(\S+\.c)/gm)].map(([, file]) =>
      link(inPlayground(page.path, { example: file! }), `Open ${file!} in the playground`),
    )
    return box(consoleText(text, page, site), [...new Set([...opened, ...audits])].join(' '))
  }
  if (lang === 'c' || lang === 'ts') return box(cText(text))
  return box(escape(text))
}

const keywords =
  /^(?:if|else|while|do|goto|return|exists|forall|daemon|C|mm|bo|device|file|static|struct|int|unsigned|long|for|export|type|readonly)$/

/** A litmus test: its comments stand back, its operations lead to their pages. */
const litmus = (text: string, page: Page, site: Site): string =>
  tokens(text, /^C \S+|\(\*[\s\S]*?\*\)|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*\(?/g, (token) => {
    if (/^(?:\(\*|\/[/*])/.test(token)) return `<i>${escape(token)}</i>`
    if (token.startsWith('C ')) return `<b>C</b> ${escape(token.slice(2))}`
    const [word, call] = token.endsWith('(') ? [token.slice(0, -1), '('] : [token, '']
    const to = call !== '' && ops.has(word) ? site.byCode.get(word) : undefined
    if (to !== undefined && to !== page)
      return `<a href="${escape(relative(page.path, to.path))}">${word}</a>(`
    return keywords.test(word) ? `<b>${word}</b>${call}` : token
  })

const cText = (text: string): string =>
  tokens(text, /\/\/[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*/g, (word) =>
    /^\/[/*]/.test(word) ? `<i>${escape(word)}</i>` : keywords.test(word) ? `<b>${word}</b>` : escape(word),
  )

/** What was typed stands out, and the code of a finding leads to its page. */
const consoleText = (text: string, page: Page, site: Site): string =>
  text
    .split('\n')
    .map((line) => {
      if (line.startsWith('$ ')) return `<b>${escape(line)}</b>`
      return tokens(line, /(?<=^(?:error|warning)\[|^Promise \(|^Broken |=> )[a-z-]+/g, (code) => {
        const to =
          (line.includes('[') ? site.byCode.get(`class:${code}`) : undefined) ?? site.byCode.get(code)
        return to === undefined ? code : `<a href="${escape(relative(page.path, to.path))}">${code}</a>`
      })
    })
    .join('\n')

function tokens(text: string, what: RegExp, as: (token: string) => string): string {
  let out = ''
  let at = 0
  for (const m of text.matchAll(what)) {
    out += escape(text.slice(at, m.index)) + as(m[0])
    at = m.index + m[0].length
  }
  return out + escape(text.slice(at))
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (c) => escapes[c]!)
