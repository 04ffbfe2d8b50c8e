import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { inflateRawSync } from 'node:zlib'
import { invariants, ops } from '../src/kernel/index.ts'
import { parse } from '../src/litmus/index.ts'
import { Source } from '../src/base/index.ts'
import { site } from '../site/build.ts'
import { leadsTo } from '../site/shell.ts'

const pages = site()
const unescaped = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
const links = (html: string): string[] =>
  [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map((m) => unescaped(m[1]!))

test('every operation, invariant and class, and every page of docs, has a page in the site', () => {
  for (const { name } of ops.values()) assert.ok(pages.has(`operations/${name}.html`), name)
  for (const { code } of invariants)
    assert.ok(pages.has(`invariants/${code.replaceAll('-', '_')}.html`), code)
  for (const file of readdirSync('src/audit/classes').filter((f) => f.endsWith('.md')))
    assert.ok(pages.has(`classes/${file.replace(/md$/, 'html')}`), file)
  for (const path of [
    'index',
    'thread',
    'litmus',
    'flags',
    'flags-table',
    'guide/first-audit',
    'architecture',
    'warts',
  ])
    assert.ok(pages.has(`${path}.html`), path)
})

test('every link of the site leads to a page and a heading that are there', () => {
  const wrong: string[] = []
  const ids = new Map(
    [...pages].map(([path, html]) => [
      path,
      new Set([...html.matchAll(/ id="([^"]*)"/g)].map((m) => unescaped(m[1]!))),
    ]),
  )
  for (const [path, html] of pages)
    for (const href of links(html)) {
      if (href.startsWith('https:')) continue
      const [file = '', anchor] = href.split('#')
      const to = file === '' ? path : leadsTo(path, file)
      if (to === '../index.html') continue
      if (!ids.has(to)) wrong.push(`${path}: ${href}`)
      else if (anchor !== undefined && !ids.get(to)!.has(anchor))
        wrong.push(`${path}: no such heading: ${href}`)
    }
  assert.deepEqual(wrong, [])
})

test('every page can be reached from the first one', () => {
  const seen = new Set<string>()
  const open = ['index.html']
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const href of links(pages.get(path) ?? ''))
      if (!/^\w+:|^#/.test(href)) {
        const to = leadsTo(path, href.split('#')[0]!)
        if (pages.has(to)) open.push(to)
      }
  }
  assert.deepEqual(
    [...pages.keys()].filter((p) => !seen.has(p)),
    [],
  )
})

test('no page loads anything, and the policy of each names exactly its script and its style', () => {
  const sha = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  for (const [path, html] of pages) {
    assert.doesNotMatch(html, /<(?:link|script|img|iframe)[^>]* (?:src|href)="(?!data:)/, path)
    assert.doesNotMatch(html, / (?:style|on\w+)="/, path)
    const policy = unescaped(/Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!)
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((m) => m[1]!)
    const styles = [...html.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((m) => m[1]!)
    assert.equal(scripts.length, 1, path)
    assert.equal(styles.length, 1, path)
    assert.ok(
      policy.startsWith(`default-src 'none'; script-src ${sha(scripts[0]!)}; style-src ${sha(styles[0]!)};`),
      path,
    )
  }
})

test('a litmus block of a page has a link that holds its test', () => {
  let held = 0
  for (const [path, html] of pages)
    for (const href of links(html)) {
      const text = href.includes('index.html#text=')
        ? new URLSearchParams(href.split('#')[1]).get('text')
        : null
      if (text === null) continue
      const litmus = inflateRawSync(Buffer.from(text, 'base64url')).toString()
      const { value, diagnostics } = parse(new Source(path, litmus))
      assert.deepEqual(diagnostics, [], path)
      assert.ok(value !== undefined)
      assert.ok(html.includes(value.name), `${path} shows ${value.name}`)
      held++
    }
  assert.ok(held > 60, `${held} links`)
})

test('the page of an operation has what the code knows of it, and tests that call it', () => {
  const page = pages.get('operations/follow_pfn.html')!
  assert.match(page, /follow_pfn\(\[vma\], addr, &amp;pfn\)/)
  assert.match(page, /In kernels before 6\.10\./)
  assert.match(page, /#test=[\w%+-]+"><code>pfn-lookup\/follow_pfn/)
})

test('what is named in code type leads to its page, also where an operation and a policy have one name', () => {
  const page = pages.get('thread.html')!
  assert.match(page, /href="\.\.\/index\.html#test=v4l2%2Fuserptr%2Bgpu-buffer"/)
  assert.match(pages.get('operations/follow_pfn.html')!, /policy <a href="\.\.\/policies\/follow_pfn\.html">/)
  // A report names the class of a mistake, not the invariant of the same name.
  assert.match(
    pages.get('guide/first-audit.html')!,
    /error\[<a href="\.\.\/classes\/pfn-outlives-lock\.html">/,
  )
})
