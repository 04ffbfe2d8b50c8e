import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseExpect, printExpect } from '../src/litmus/expect.ts'
import { Source } from '../src/base/index.ts'
import { policies } from '../src/kernel/index.ts'
import { corpus } from './corpus-counts.ts'

/** docs/thread.md answers questions by naming tests: each is there, and gives what the page says. That a test gives it is the corpus's own test. */
const page = readFileSync('docs/thread.md', 'utf8')
const questions = page.split(/^## /m).slice(1)
const files = new Map(corpus().map((f) => [f.file.replace(/\.litmus$/, ''), f.test]))

test('every answer names tests that exist, and says of them what they expect', () => {
  const lines = [...page.matchAll(/^- `([^`]+)`: (.*)$/gm)]
  assert.ok(lines.length > 40)
  for (const [, name, said] of lines) {
    const t = files.get(name!)
    assert.ok(t !== undefined, `there is no litmus/${name}.litmus`)
    const expected = new Set(t.expect.map(printExpect))
    const source = new Source('thread.md', said!)
    const clauses = parseExpect(source, 0, said!.length, (d) => assert.fail(d.message))
    assert.ok(clauses.length > 0, name)
    for (const clause of clauses)
      assert.ok(
        expected.has(printExpect(clause)),
        `${name}: "${printExpect(clause)}", but it expects ${[...expected].join('; ')}`,
      )
  }
})

test('each of the five questions is answered by tests, some of which break and some of which do not', () => {
  const numbered = questions.filter((q) => /^\d\. /.test(q))
  assert.equal(numbered.length, 5)
  for (const q of numbered) {
    const lines = [...q.matchAll(/^- `[^`]+`: (.*)$/gm)].map((m) => m[1]!)
    assert.ok(lines.length >= 4, q.slice(0, 40))
    assert.ok(
      lines.some((l) => /-/.test(l.replace(/[\d.]+|with \S+/g, ''))),
      `nothing breaks: ${q.slice(0, 40)}`,
    )
  }
})

test('every proposal has a test under each of its values but the default, and the families are named', () => {
  for (const policy of Object.values(policies)) {
    const used = new Set(
      [...files.values()].flatMap((t) => t.expect.flatMap((e) => e.policies[policy.name] ?? [])),
    )
    for (const value of Object.keys(policy.values))
      assert.ok(value === policy.default || used.has(value), `${policy.name}=${value} is in no test`)
  }
  for (const [, folders] of page.matchAll(/tenure check (litmus\/.*)$/gm))
    for (const folder of folders!.split(' ')) assert.ok(existsSync(folder), folder)
})

test('a page of a policy names tests that exist', () => {
  for (const { name } of Object.values(policies)) {
    const text = readFileSync(`src/kernel/policies/${name}.md`, 'utf8')
    for (const [, cited] of text.matchAll(/`((?:proposals|vma|pfn-lookup|dma-buf|v4l2)\/[^`]+)`/g))
      assert.ok(files.has(cited!), `${name}.md names litmus/${cited}.litmus, which is not there`)
  }
})
