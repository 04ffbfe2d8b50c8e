import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { opList } from '../src/litmus/index.ts'
import { ops } from '../src/kernel/index.ts'
import { coverageParts } from './coverage.ts'
import { docsParts, guides, promiseParts, withConsole, withParts } from './docs-parts.ts'

test('the made parts of docs/litmus.md are what the code makes', () => {
  const page = readFileSync('docs/litmus.md', 'utf8')
  const parts = docsParts()
  assert.equal(withParts(page, parts), page, 'npm run promote')
  for (const name of Object.keys(parts))
    assert.ok(page.includes(`<!-- ${name}: made`), `${name} has no place in the page`)
})

test('docs/promises.md has every invariant and every class, in the words of its page', () => {
  const page = readFileSync('docs/promises.md', 'utf8')
  const parts = promiseParts()
  assert.equal(withParts(page, parts), page, 'npm run promote')
  for (const name of Object.keys(parts)) assert.ok(page.includes(`<!-- ${name}: made`), name)
})

test('docs/coverage.md names operations and tests that are there, with their figures', () => {
  const page = readFileSync('docs/coverage.md', 'utf8')
  const parts = coverageParts()
  assert.equal(withParts(page, parts), page, 'npm run promote')
  for (const name of Object.keys(parts)) assert.ok(page.includes(`<!-- ${name}: made`), name)
})

test('every operation is in the reference once, under a heading of its own kind', () => {
  const list = opList()
  for (const op of ops.values())
    assert.equal(list.split(`| \`${op.name}(`).length - 1, op.internal ? 0 : 1, op.name)
  assert.doesNotMatch(list, /### More/)
})

test('what the guide shows is what its commands print', async () => {
  for (const file of guides) {
    const page = readFileSync(file, 'utf8')
    assert.equal(await withConsole(page), page, `${file}: npm run promote`)
  }
})

test('the README is read at 80 columns', () => {
  for (const line of readFileSync('README.md', 'utf8').split('\n'))
    if (!line.startsWith('![')) assert.ok(line.length <= 80, line)
})

test('what a page points at is there', () => {
  for (const file of ['README.md', 'ARCHITECTURE.md', ...pagesIn('docs')])
    for (const [, to] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      if (!/^[a-z]+:/.test(to!)) assert.ok(existsSync(join(dirname(file), to!)), `${file} points at ${to}`)
})

const pagesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((n) => n.endsWith('.md'))
    .map((n) => join(dir, n))
