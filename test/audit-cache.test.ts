import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import type { AuditResult } from '../src/audit/index.ts'
import { Cache } from '../src/cli/cache.ts'
import { run } from '../src/cli/cli.ts'

const driver = (flags: string): string => `#include <linux/mm.h>

int ring_add(struct ring *ring, unsigned long addr)
{
	struct page *page;

	if (pin_user_pages_fast(addr, 1, ${flags}, &page) != 1)
		return -EFAULT;
	put_page(page);
	return 0;
}
`

let dir: string
let tree: string
let folder: string
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenure-cache-'))
  tree = join(dir, 'tree')
  folder = join(dir, 'cache')
  mkdirSync(tree)
  // A tree large enough to be kept.
  for (let i = 0; i < 1000; i++) writeFileSync(join(tree, `f${i}.c`), `int f${i};\n`)
  writeFileSync(join(tree, 'ring.c'), driver('0'))
})
after(() => rmSync(dir, { recursive: true }))

async function tenure(...argv: string[]): Promise<string> {
  let out = ''
  await run(['audit', '--protocol', 'page-pin', ...argv, tree], {
    out: (t) => void (out += t),
    err: (t) => assert.fail(t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return out
}
const entries = (): string[] => readdirSync(folder).map((f) => join(folder, f))

/** Puts a mark into the only entry, to see that it is used. */
function mark(): void {
  const [path] = entries()
  const body = brotliDecompressSync(readFileSync(path!).subarray(32))
  const marked = Buffer.from(body.toString().replace('"version":"', '"version":"kept '))
  const sum = createHash('sha256').update(marked).digest()
  writeFileSync(path!, Buffer.concat([sum, brotliCompressSync(marked)]))
}
const isKept = (json: string): boolean => (JSON.parse(json) as AuditResult).tool.version.startsWith('kept ')

test('the second audit of a tree comes from the cache and reads the same in every format', async () => {
  const formats = ['json', 'text', 'sarif', 'markdown', 'github', 'html']
  const first = new Map<string, string>()
  for (const f of formats) first.set(f, await tenure('--no-cache', '--format', f))
  assert.equal(await tenure('--cache', folder, '--format', 'json'), first.get('json'))
  for (const f of formats) assert.equal(await tenure('--cache', folder, '--format', f), first.get(f), f)
  assert.equal(entries().length, 1)
  mark()
  assert.ok(isKept(await tenure('--cache', folder, '--format', 'json')))
  assert.ok(!isKept(await tenure('--no-cache', '--format', 'json')))
})

test('another option, another policy, a changed file is another audit, also when its size and its date are as before', async () => {
  const kept = async (...argv: string[]): Promise<boolean> =>
    isKept(await tenure('--cache', folder, '--format', 'json', ...argv))
  assert.ok(await kept())
  assert.ok(!(await kept('--kernel', '6.1')))
  assert.ok(!(await kept('--policy', 'follow_pfn=strict')))
  const path = join(tree, 'ring.c')
  const { atime, mtime } = statSync(path)
  writeFileSync(path, driver('1'))
  utimesSync(path, atime, mtime)
  assert.ok(!(await kept()))
  writeFileSync(join(tree, 'new.c'), 'int n;\n')
  assert.ok(!(await kept()))
  rmSync(join(tree, 'new.c'))
})

test('an entry that is damaged, or a folder that is gone or not writable, costs time only', async () => {
  const json = await tenure('--no-cache', '--format', 'json')
  for (const path of entries()) writeFileSync(path, readFileSync(path).subarray(0, 50))
  assert.equal(await tenure('--cache', folder, '--format', 'json'), json)
  rmSync(folder, { recursive: true })
  assert.equal(await tenure('--cache', folder, '--format', 'json'), json)
  chmodSync(folder, 0o500)
  assert.equal(await tenure('--cache', join(folder, 'in', 'file'), '--format', 'json'), json)
  chmodSync(folder, 0o700)
  assert.equal(await tenure('--cache', join(tree, 'ring.c'), '--format', 'json'), json)
})

test('what was used longest ago goes when there is too much, and so does what a run has left', () => {
  const at = join(dir, 'small')
  const cache = new Cache(at, 2000)
  const noise = (n: number): string =>
    Array.from({ length: 60 }, (_, i) => createHash('md5').update(`${n} ${i}`).digest('hex')).join('')
  const keys = [0, 1, 2, 3].map((n) => cache.key(n))
  for (const [n, k] of keys.entries()) {
    cache.put(k, noise(n))
    utimesSync(join(at, `${k}.entry`), n + 1, n + 1)
    if (n === 0) writeFileSync(join(at, 'left.entry.1.tmp'), 'x')
    if (n === 0) utimesSync(join(at, 'left.entry.1.tmp'), 1, 1)
  }
  cache.put(cache.key('last'), 'x')
  assert.equal(cache.get(cache.key('last')), 'x')
  assert.equal(cache.get(keys[0]!), undefined)
  assert.ok(!readdirSync(at).some((f) => f.endsWith('.tmp')))
  assert.ok(readdirSync(at).length < 5)
})

test('two runs at once leave one whole entry', async () => {
  rmSync(folder, { recursive: true, force: true })
  const both = await Promise.all([1, 2].map(() => tenure('--cache', folder, '--format', 'json')))
  assert.equal(both[0], both[1])
  assert.equal(entries().length, 1)
  mark()
  assert.ok(isKept(await tenure('--cache', folder, '--format', 'json')))
})
