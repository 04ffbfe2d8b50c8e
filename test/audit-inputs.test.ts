import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AuditResult } from '../src/audit/index.ts'
import { run } from '../src/cli/cli.ts'

/** A kernel with two look-ups of its own, and a driver of which only the kernel's helper tells what becomes of the frame. */
const files = {
  'kernel/Makefile': 'VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 1\n',
  'kernel/mm/lookup.c': `
int lookup_frame(struct vm_area_struct *vma, unsigned long addr, unsigned long *pfn)
{
	return follow_pfn(vma, addr, pfn);
}
`,
  'kernel/drivers/own.c': `
static int own(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long pfn;

	return follow_pfn(vma, addr, &pfn);
}
`,
  'kernel/drivers/dma/give.c': `
void give_frame(struct device *dev, unsigned long pfn)
{
	dma_map_resource(dev, PFN_PHYS(pfn), PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
}
EXPORT_SYMBOL(give_frame);
`,
  'driver/cam.c': `
#include <linux/mm.h>

int cam_start(struct device *dev, struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	unsigned long pfn;
	int ret;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	ret = follow_pfn(vma, addr, &pfn);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	give_frame(dev, pfn);
	return 0;
}
`,
}

let dir: string
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'tenure-inputs-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
})
after(() => rmSync(dir, { recursive: true }))

async function tenure(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run(['audit', ...argv], {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

test('a driver from outside is understood by the helpers of the kernel it is built against', async () => {
  const alone = await tenure('--protocol', 'pfn-lookup', '--format', 'json', join(dir, 'driver'))
  const a = JSON.parse(alone.out) as AuditResult
  assert.deepEqual(
    a.sites.map((s) => [s.file, s.verdict]),
    [['cam.c', 'unknown']],
  )
  const with_ = await tenure(
    '--protocol',
    'pfn-lookup',
    '--format',
    'json',
    '--against',
    join(dir, 'kernel'),
    join(dir, 'driver'),
  )
  const b = JSON.parse(with_.out) as AuditResult
  assert.deepEqual(
    b.sites.map((s) => [s.file, s.verdict, s.classes]),
    [['cam.c', 'broken', ['pfn-outlives-lock']]],
  )
  assert.equal(b.tree.kernel, '5.10.1')
  assert.ok(b.sites[0]!.escapes.some((h) => h.file === 'drivers/dma/give.c'))
  assert.equal(with_.code, 1)
})

test('what a driver is audited against has to be a kernel', async () => {
  const { code, err } = await tenure('--against', join(dir, 'driver'), join(dir, 'driver'))
  assert.equal(code, 2)
  assert.match(err, /is not a kernel tree/)
})

test('a revision is asked for by name', async () => {
  const { code, err } = await tenure('--git', dir)
  assert.equal(code, 2)
  assert.match(err, /which revision of/)
  const none = await tenure('--git', dir, 'v1')
  assert.equal(none.code, 2)
  assert.match(none.err, /is not a git\s+repository/)
})
