import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AuditResult, Comparison } from '../src/audit/index.ts'
import { run } from '../src/cli/cli.ts'

/** The look-up is in one file, the lock that its result needs in another. */
const files = {
  'window/Makefile': 'obj-m += window.o\nwindow-y := copy.o lock.o\n',
  'window/copy.c': `#include <linux/mm.h>
#include "window.h"

long window_write(struct window *w, void *buf, size_t len, unsigned long uaddr)
{
	struct vm_area_struct *vma;
	void __iomem *win;
	spinlock_t *ptl;
	pte_t *ptep;
	long ret;

	window_lock(w);
	vma = vma_lookup(w->mm, uaddr);
	ret = follow_pte(vma->vm_mm, uaddr, &ptep, &ptl);
	if (ret)
		goto out;
	window_note(w, ptep, ptl);
	win = (void __iomem *)(pte_pfn(*ptep) << PAGE_SHIFT);
	memcpy_toio(win, buf, len);
	window_end(w, ptep, ptl);
out:
	window_unlock(w);
	return ret;
}
`,
  'window/lock.c': `#include <linux/mm.h>
#include "window.h"

void window_lock(struct window *w)
{
	mmap_read_lock(w->mm);
}

void window_unlock(struct window *w)
{
	mmap_read_unlock(w->mm);
}

void window_note(struct window *w, pte_t *ptep, spinlock_t *ptl)
{
	w->users++;
}

void window_end(struct window *w, pte_t *ptep, spinlock_t *ptl)
{
	pte_unmap_unlock(ptep, ptl);
}
`,
  'window/window.h': `struct window {
	struct mm_struct *mm;
	int users;
};
`,
  'other/ring.c': `#include <linux/mm.h>

int ring_add(struct ring *ring, unsigned long addr)
{
	struct page *page;

	if (pin_user_pages_fast(addr, 1, FOLL_LONGTERM, &page) != 1)
		return -EFAULT;
	unpin_user_page(page);
	return 0;
}
`,
}

let dir: string
let tree: string
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenure-compare-'))
  tree = join(dir, 'old')
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true })
    writeFileSync(join(tree, name), text)
  }
})
after(() => rmSync(dir, { recursive: true }))

async function tenure(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run(['audit', '--protocol', 'pfn-lookup', '--protocol', 'page-pin', ...argv], {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  })

type Edits = Record<string, (text: string) => string | undefined>

/** The same trees with changes, and what git says is different. */
function changed(
  name: string,
  edits: Edits,
  moves: Record<string, string> = {},
): { path: string; patch: string } {
  const repository = join(dir, `${name}.git`)
  cpSync(tree, repository, { recursive: true })
  git(repository, 'init', '--quiet')
  git(repository, 'add', '--all')
  git(repository, 'commit', '--quiet', '-m', 'old')
  git(repository, 'tag', 'old')
  for (const [from, to] of Object.entries(moves)) {
    mkdirSync(join(repository, to, '..'), { recursive: true })
    git(repository, 'mv', from, to)
  }
  for (const [file, edit] of Object.entries(edits)) {
    let text = ''
    try {
      text = readFileSync(join(repository, file), 'utf8')
    } catch {
      // it is new
    }
    const now = edit(text)
    if (now === undefined) rmSync(join(repository, file))
    else writeFileSync(join(repository, file), now)
  }
  git(repository, 'add', '--all')
  git(repository, 'commit', '--quiet', '-m', 'new')
  const patch = join(dir, `${name}.patch`)
  writeFileSync(patch, git(repository, 'format-patch', '--stdout', '-M', '-1'))
  return { path: repository, patch }
}

const compared = async (...argv: string[]): Promise<Comparison> =>
  JSON.parse((await tenure('--format', 'json', ...argv)).out) as Comparison
const brief = (c: Comparison): string[] =>
  c.changes.map((x) =>
    [x.change, x.after?.file ?? x.before!.file, x.before?.verdict ?? '-', x.after?.verdict ?? '-'].join(' '),
  )

const early = (text: string): string =>
  text.replace(/(\tmemcpy_toio.*\n)(\twindow_end.*\n)/, (_, use: string, end: string) => end + use)

test('a use that moves behind the end of its look-up is new, and the patch’s own line is blamed', async () => {
  const { patch } = changed('early', { 'window/copy.c': early })
  const c = await compared('--patch', patch, tree)
  assert.deepEqual(brief(c), ['changed window/copy.c holds broken'])
  const { blame } = c.changes[0]!
  assert.equal(blame?.by, 'checked')
  for (const p of blame.places) assert.match(p.text, /^(window_end|memcpy_toio)\(/)
  assert.ok(blame.places.length > 0)
  assert.equal((await tenure('--patch', patch, tree)).code, 1)
})

test('a helper in another file that makes the hazard is blamed, not the line that shows it', async () => {
  const harmless = {
    'window/copy.c': (t: string) => t.replace('\tlong ret;\n', '\tlong ret;\n\n\tw->users++;\n'),
    'window/window.h': (t: string) => `/* nothing */\n${t}`,
  }
  const first = await tenure('--patch', changed('harmless', harmless).patch, tree)
  assert.equal(first.code, 0, first.out)
  const { patch } = changed('helper', {
    ...harmless,
    'window/lock.c': (t) => t.replace('\tw->users++;\n', '\tpte_unmap_unlock(ptep, ptl);\n'),
  })
  const c = await compared('--patch', patch, tree)
  assert.deepEqual(brief(c), ['changed window/copy.c holds broken'])
  assert.deepEqual(c.changes[0]!.blame, {
    by: 'checked',
    places: [{ file: 'window/lock.c', line: 16, side: 'new', text: 'pte_unmap_unlock(ptep, ptl);' }],
  })
})

test('a line that was taken out is blamed in the old tree', async () => {
  const { patch } = changed('taken', {
    'other/ring.c': (t) => t.replace('\tunpin_user_page(page);\n', ''),
  })
  const c = await compared('--patch', patch, tree)
  assert.deepEqual(brief(c), ['changed other/ring.c holds broken'])
  assert.deepEqual(c.changes[0]!.blame, {
    by: 'checked',
    places: [{ file: 'other/ring.c', line: 9, side: 'old', text: 'unpin_user_page(page);' }],
  })
  const { out } = await tenure('--patch', patch, tree)
  assert.match(
    out,
    /= blame: with this change alone undone, the finding is gone:\n +- other\/ring\.c:9: unpin/,
  )
  assert.match(out, /^Changed +1 × holds -> broken$/m)
})

test('a mended site, a deleted and a new one; a file that moves is the same', async () => {
  const { path, patch } = changed(
    'moves',
    {
      'sub/ring2.c': (t) => t.replace('\tunpin_user_page(page);\n', '\tput_page(page);\n'),
      'window/copy.c': () => undefined,
      'new.c': () =>
        '#include <linux/mm.h>\nint f(unsigned long a)\n{\n\tstruct page *p;\n\n\treturn pin_user_pages_fast(a, 1, 0, &p);\n}\n',
    },
    { 'other/ring.c': 'sub/ring2.c' },
  )
  const expected = [
    'appeared new.c - broken',
    'changed sub/ring2.c holds broken',
    'gone window/copy.c holds -',
  ]
  assert.deepEqual(brief(await compared('--patch', patch, tree)), expected)
  assert.deepEqual(brief(await compared('--diff', tree, path)), expected)
  assert.deepEqual(brief(await compared('--git', path, '--diff', 'old', 'HEAD')), expected)
  const back = await compared('--git', path, '--diff', 'HEAD', 'old')
  assert.deepEqual(brief(back), [
    'gone new.c broken -',
    'changed other/ring.c broken holds',
    'appeared window/copy.c - holds',
  ])
  const { code, out } = await tenure('--git', path, '--diff', 'HEAD', 'old')
  assert.equal(code, 0)
  assert.match(out, /^Mended:\n/m)
})

test('nothing is written to the tree that a patch is tried on', async () => {
  const { patch } = changed('quiet', { 'window/copy.c': early })
  await tenure('--patch', patch, tree)
  assert.equal(readFileSync(join(tree, 'window/copy.c'), 'utf8'), files['window/copy.c'])
})

test('a patch that does not apply says which hunk', async () => {
  const { patch } = changed('stale', { 'window/copy.c': early })
  writeFileSync(
    patch,
    readFileSync(patch, 'utf8')
      .replace(' \tif (ret)', ' \tif (re)')
      .replaceAll('memcpy_toio(win', 'memcpy_io(win'),
  )
  const { code, err, out } = await tenure('--patch', patch, tree)
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(err, /hunk 1 of 1 of\s+window\/copy\.c does\s+not\s+apply/)
  assert.equal((await tenure('--patch', join(dir, 'none.patch'), tree)).code, 2)
})

test('what a comparison calls known is known to the other formats, too', async () => {
  const { patch } = changed('formats', {
    'other/ring.c': (t) => t.replace('unpin_user_page(page)', 'put_page(page)'),
  })
  const broken = await tenure('--patch', patch, '--format', 'sarif', tree)
  const log = JSON.parse(broken.out) as { runs: { results: { kind: string; baselineState?: string }[] }[] }
  assert.deepEqual(
    log.runs[0]!.results.filter((r) => r.kind === 'fail').map((r) => r.baselineState),
    ['new'],
  )
  assert.match(
    (await tenure('--patch', patch, '--format', 'github', tree)).out,
    /^::error file=other\/ring.c,/,
  )
})

test('a baseline keeps what is known from counting, wherever its lines are, and nothing else', async () => {
  const { path } = changed('base', { 'window/copy.c': early })
  const baseline = join(dir, 'known.json')
  assert.equal((await tenure('--write-baseline', baseline, path)).code, 1)
  const again = await tenure('--baseline', baseline, path)
  assert.equal(again.code, 0)
  assert.match(again.out, /^Known +1 of the broken ones were known before$/m)
  assert.doesNotMatch(again.out, /error\[/)
  const moved = join(path, 'window/copy.c')
  writeFileSync(moved, `\n\n/* more */\n${readFileSync(moved, 'utf8')}`)
  assert.equal((await tenure('--baseline', baseline, path)).code, 0)
  writeFileSync(join(path, 'other/ring.c'), files['other/ring.c'].replace('unpin_user_page', 'put_page'))
  const more = await tenure('--baseline', baseline, '--format', 'json', path)
  assert.equal(more.code, 1)
  assert.deepEqual(
    (JSON.parse(more.out) as AuditResult).sites.flatMap((s) =>
      s.verdict === 'broken' ? [[s.file, s.known ?? false]] : [],
    ),
    [
      ['other/ring.c', false],
      ['window/copy.c', true],
    ],
  )
  const mended = await tenure('--baseline', baseline, tree)
  assert.equal(mended.code, 0)
  assert.match(mended.err, /pfn-outlives-lock in window_write\(\) of window\/copy\.c, which is gone/)
  writeFileSync(baseline, '{}')
  const bad = await tenure('--baseline', baseline, tree)
  assert.equal(bad.code, 2)
  assert.match(bad.err, /cannot be used/)
})
