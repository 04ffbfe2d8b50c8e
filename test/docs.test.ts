import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { opList } from '../src/litmus/index.ts'
import { ops } from '../src/kernel/index.ts'
import { docsParts, withParts } from './docs-parts.ts'

test('the made parts of docs/litmus.md are what the code makes', () => {
  const page = readFileSync('docs/litmus.md', 'utf8')
  const parts = docsParts()
  assert.equal(withParts(page, parts), page, 'npm run promote')
  for (const name of Object.keys(parts))
    assert.ok(page.includes(`<!-- ${name}: made`), `${name} has no place in the page`)
})

test('every operation is in the reference once, under a heading of its own kind', () => {
  const list = opList()
  for (const op of ops.values())
    assert.equal(list.split(`| \`${op.name}(`).length - 1, op.internal ? 0 : 1, op.name)
  assert.doesNotMatch(list, /### More/)
})
