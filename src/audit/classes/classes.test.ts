import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Source } from '../../base/index.ts'
import { asked, judge, parse } from '../../litmus/index.ts'

const folder = 'src/audit/classes'
const pages = readdirSync(folder).filter((f) => f.endsWith('.md'))

const headings = [
  '## What it says',
  '## Why it matters',
  '## How it breaks',
  '## The right pattern',
  '## When the finding is wrong',
]

test('every class has a page with the house headings, in order, under its own name', () => {
  assert.ok(pages.length > 0)
  for (const page of pages) {
    const lines = readFileSync(join(folder, page), 'utf8').split('\n')
    assert.equal(lines[0], `# ${page.replace(/\.md$/, '')}`)
    assert.deepEqual(
      lines.filter((l) => l.startsWith('## ')),
      headings,
      page,
    )
  }
})

test('every page shows how it breaks as a litmus test named after the class, and one file that does it right', () => {
  for (const page of pages) {
    const text = readFileSync(join(folder, page), 'utf8')
    const blocks = [...text.matchAll(/^```litmus.*\n([\s\S]*?)^```$/gm)].map((m) => m[1]!)
    assert.ok(blocks.length > 0, `${page} has no litmus test`)
    assert.equal(blocks[0]!.split('\n')[0], `C ${page.replace(/\.md$/, '')}`, page)
    for (const block of blocks)
      assert.deepEqual(
        parse(new Source(page, block)).diagnostics.map((d) => d.message),
        [],
        `the litmus test of ${page} does not parse`,
      )
    const right = text.slice(text.indexOf('## The right pattern'), text.indexOf('## When the finding'))
    assert.match(right, /`[a-z0-9_/-]+\.c(:\w+)?`/, `${page} names no file of the kernel`)
  }
})

test('what a page shows to break does break so, unless it says that it is still to be done', () => {
  for (const page of pages) {
    const text = readFileSync(join(folder, page), 'utf8')
    for (const [, block] of text.matchAll(/^```litmus\n([\s\S]*?)^```$/gm)) {
      const { value } = parse(new Source(page, block!))
      assert.ok(value !== undefined && value.expect.length > 0, page)
      for (const run of asked(value)) {
        const judged = judge(value, { ...run, expect: run.expect! })
        assert.deepEqual(
          judged.diagnostics.map((d) => d.message),
          [],
          page,
        )
        assert.equal(
          judged.value!.verdict,
          'match',
          `${page} on ${run.kernel}: ${judged.value!.why.join('; ')}`,
        )
      }
    }
  }
})
