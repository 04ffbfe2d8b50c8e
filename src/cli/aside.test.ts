import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { audit, type AuditOptions, type AuditResult } from '../audit/index.ts'
import { openTree, Program } from '../source/index.ts'
import { aside } from './aside.ts'

/** The example drivers, each in a folder of its own, among so many other files that the tree is worth two threads. */
function tree(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'tenure-aside-'))
  t.after(() => rmSync(root, { recursive: true }))
  cpSync(fileURLToPath(new URL('../../../examples/', import.meta.url)), join(root, 'drivers'), {
    recursive: true,
  })
  for (let i = 0; i < 400; i++) writeFileSync(join(root, `pad${i}.h`), `#define PAD${i} ${i}\n`)
  return root
}

async function audited(root: string, options: Partial<AuditOptions>): Promise<AuditResult> {
  const program = new Program((await openTree(root)).value!)
  try {
    return await audit(program, { treeKernel: '6.12', version: 'test', path: 'tree', ...options })
  } finally {
    await program.close()
  }
}

test('two other threads say the same as one', async (t) => {
  const root = tree(t)
  let used = 0
  const counted: typeof aside = (...args) => {
    const part = aside(...args)
    if (part !== undefined) used++
    return part
  }
  const one = await audited(root, {})
  const two = await audited(root, { aside: counted })
  assert.equal(used, 2)
  assert.ok(one.summary.broken > 10)
  assert.ok(one.sites.some((s) => s.kind === 'page-pin' && s.verdict === 'broken'))
  assert.deepEqual(two, one)
})

test('a stop reaches the other thread', async (t) => {
  const root = tree(t)
  const stop = new AbortController()
  const stopped = audited(root, {
    signal: stop.signal,
    aside: (...args) => {
      setTimeout(() => stop.abort(new Error('enough')), 5)
      return aside(...args)
    },
  })
  await assert.rejects(stopped, /enough|stopped/)
})
