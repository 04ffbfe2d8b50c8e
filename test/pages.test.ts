import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Source } from '../src/base/index.ts'
import { changes, invariants, ops, policies } from '../src/kernel/index.ts'
import { modelParts, withParts } from './docs-parts.ts'
import { asked, judge, parse } from '../src/litmus/index.ts'

/** The pages beside the kernel's operations, invariants and policies: there, under their own names, with the house headings, and true. */

const shelf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder)
      .filter((f) => f.endsWith('.md'))
      .map((f) => [f.replace(/\.md$/, ''), readFileSync(join(folder, f), 'utf8')]),
  )
const stem = (code: string): string => code.replaceAll('-', '_')
const headings = (page: string): string[] => page.split('\n').filter((l) => l.startsWith('## '))
const section = (page: string, heading: string): string =>
  page.slice(page.indexOf(heading) + heading.length).split(/^## /m)[0]!

test('every operation has a page that names its steps, in their order', () => {
  const pages = shelf('src/kernel/ops')
  assert.deepEqual([...pages.keys()].sort(), [...ops.keys()].sort())
  for (const op of ops.values()) {
    const page = pages.get(op.name)!
    assert.ok(page.startsWith(`# ${op.name}\n`), op.name)
    assert.deepEqual(
      headings(page),
      ['## What it does', '## Steps', '## Errors', '## In the kernel', '## Not modelled'],
      op.name,
    )
    const steps = [...section(page, '## Steps').matchAll(/^- `(\w+)`/gm)].map((m) => m[1])
    assert.deepEqual(steps, op.labels, op.name)
  }
})

test('docs/model.md lists every change between kernels as the code has it', () => {
  const page = readFileSync('docs/model.md', 'utf8')
  assert.equal(withParts(page, modelParts()), page, 'npm run promote')
  assert.ok(page.includes('<!-- changes: made'))
})

test('every change between kernels is asked for by some operation', () => {
  const folders = ['src/kernel', 'src/kernel/mm', 'src/kernel/ops']
  const files = folders
    .flatMap((d) => readdirSync(d).map((f) => join(d, f)))
    .filter((f) => /(?<!test)\.ts$/.test(f))
  const code = files.map((f) => readFileSync(f, 'utf8')).join('\n')
  for (const { name } of changes) assert.match(code, new RegExp(`(has|hasChange)\\(.*'${name}'\\)`), name)
})

test('every policy has a page that says what each of its values does', () => {
  const pages = shelf('src/kernel/policies')
  assert.deepEqual([...pages.keys()].sort(), Object.keys(policies).sort())
  for (const policy of Object.values(policies)) {
    const page = pages.get(policy.name)!
    assert.ok(page.startsWith(`# ${policy.name}\n`), policy.name)
    for (const value of Object.keys(policy.values)) assert.ok(page.includes(`\`${value}\``), value)
  }
})

test('every invariant has a page with the house headings', () => {
  const pages = shelf('src/kernel/invariants')
  assert.deepEqual([...pages.keys()].sort(), invariants.map((i) => stem(i.code)).sort())
  for (const { code } of invariants) {
    const page = pages.get(stem(code))!
    assert.ok(page.startsWith(`# ${code}\n`), code)
    assert.deepEqual(
      headings(page),
      [
        '## What it promises',
        '## Why it matters',
        '## How it breaks',
        '## How it is repaired',
        '## When the finding is wrong',
      ],
      code,
    )
  }
})

for (const { code } of invariants)
  test(`the litmus tests of ${code}'s page give what the page says`, () => {
    const page = readFileSync(join('src/kernel/invariants', `${stem(code)}.md`), 'utf8')
    const blocks = [...page.matchAll(/^```litmus\n([\s\S]*?)^```$/gm)].map((m) => m[1]!)
    assert.ok(blocks.length > 0)
    for (const [i, block] of blocks.entries()) {
      const { value, diagnostics } = parse(new Source(`${code}.md`, block))
      assert.deepEqual(
        diagnostics.map((d) => d.message),
        [],
      )
      assert.ok(value !== undefined && value.expect.length > 0)
      assert.equal(value.name, i === 0 ? code : value.name)
      for (const run of asked(value)) {
        const judged = judge(value, { ...run, expect: run.expect! })
        assert.deepEqual(
          judged.diagnostics.map((d) => d.message),
          [],
          value.name,
        )
        assert.equal(
          judged.value!.verdict,
          code === 'model-bound' ? 'unknown' : 'match',
          `${value.name} on ${run.kernel}: ${judged.value!.why.join('; ')}`,
        )
      }
      // The first shows it, its neighbours do not. A bound is no promise, and is not said to be broken.
      const breaks = value.expect.some((e) => e.broken.includes(code))
      if (code !== 'model-bound') assert.equal(breaks, i === 0, value.name)
    }
  })
