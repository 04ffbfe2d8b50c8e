import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Holders } from '../src/audit/index.ts'
import { run } from '../src/cli/cli.ts'

const files = {
  'ring/Makefile': 'obj-m += ring.o\nring-y := fops.o pages.o\n',
  'ring/fops.c': `#include "ring.h"

static long ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ring_fill(file->private_data, arg);
}

static void ring_gone(struct kref *ref)
{
	ring_drain(container_of(ref, struct ring, ref));
}

static int ring_close(struct inode *inode, struct file *file)
{
	struct ring *r = file->private_data;

	kref_put(&r->ref, ring_gone);
	return 0;
}

static const struct file_operations ring_fops = {
	.unlocked_ioctl = ring_ioctl,
	.release = ring_close,
};
`,
  'ring/pages.c': `#include "ring.h"

int ring_fill(struct ring *r, unsigned long addr)
{
	int got = pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, r->pages);

	if (got != 1)
		return -EFAULT;
	r->filled = 1;
	return 0;
}

void ring_drain(struct ring *r)
{
	unpin_user_pages_dirty_lock(r->pages, 1, true);
}
`,
  'ring/ring.h': 'struct ring { struct kref ref; struct page *pages[1]; int filled; };\n',
  'peek/peek.c': `#include <linux/mm.h>

int peek(unsigned long addr)
{
	struct page *page;

	if (pin_user_pages_fast(addr, 1, 0, &page) != 1)
		return -EFAULT;
	unpin_user_page(page);
	return 0;
}
`,
}

let tree: string
before(() => {
  tree = mkdtempSync(join(tmpdir(), 'tenure-holders-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true })
    writeFileSync(join(tree, name), text)
  }
})
after(() => rmSync(tree, { recursive: true }))

async function tenure(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run(['holders', ...argv, tree], {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

test('what is kept is told with what takes it and what lets it go, what is not kept is not told', async () => {
  const { code, out } = await tenure('--format', 'json')
  assert.equal(code, 0)
  const { holders } = JSON.parse(out) as Holders
  assert.deepEqual(
    holders.map((h) => [h.file, h.function, h.api]),
    [['ring/pages.c', 'ring_fill', 'pin_user_pages_fast']],
  )
  const [h] = holders
  assert.deepEqual(h!.takenBy, [{ what: 'ioctl()', because: '.unlocked_ioctl of ring_fops' }])
  assert.deepEqual(
    h!.releases.map((r) => [r.file, r.function, r.api, r.by]),
    [
      [
        'ring/pages.c',
        'ring_drain',
        'unpin_user_pages_dirty_lock',
        [{ what: 'the last close()', because: '.release of ring_fops' }],
      ],
    ],
  )
})

test('one folder can be asked for, and has to be there', async () => {
  const { out } = await tenure('--file', 'ring')
  assert.match(out, /taken +ioctl\(\)/)
  assert.match(out, /the last close\(\)/)
  assert.match((await tenure('--file', 'peek/')).out, /^Nobody holds a page/)
  const none = await tenure('--file', 'rin')
  assert.equal(none.code, 2)
  assert.match(none.err, /has no rin\n/)
})
