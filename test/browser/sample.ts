import { type AuditResult, auditSchemaVersion, type Site, type Verdict } from '../../src/audit/result.ts'
import { parse, runLitmus } from '../../src/litmus/index.ts'
import { Source } from '../../src/base/index.ts'

/** A test in which a PFN outlives its lock. The places are those of the driver below. */
const test = (file: string): string => `C grabber

(*
 * Result: 5.9 Sometimes use-after-free
 *)

{
	device gpu; bo B = gpu(1 page, vram); mm A;
	A:p = mmap(B, 1 page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
}

P0(mm A)  // the driver
{
	mmap_read_lock(); // ${file}:12
	r0 = follow_pfn(p, &pfn); // ${file}:13
	mmap_read_unlock(); // ${file}:14
	if (r0 == 0)
		dma_write(pfn, 1); // ${file}:17
}

P1(device gpu)  // the owner of the memory
{
	bo_move(B, system);
}

exists (0:r0=0)
`

export const hostile = `<img src=x onerror="document.title='owned'"></script><script>document.title='owned'</script>&amp;`

/** What the files of the sample hold. */
export const driver = `/* ${hostile} */
#include <linux/mm.h>

static int grabber_start(struct grabber *g, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long pfn;
	int ret;

	/* ${hostile} */
	mmap_read_lock(mm);
	ret = follow_pfn(vma, addr, &pfn);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	writel(pfn << PAGE_SHIFT, g->regs + GRABBER_BASE);
	return 0;
}
`

/** An audit with `size` findings, some of them in files that wish us ill. It is made, not found: the pages are tested with it. */
export function sample(size: number): AuditResult {
  const verdictOf = (i: number): Verdict => (['broken', 'holds', 'unknown'] as const)[i % 3]!
  const file = (i: number): string =>
    i % 10 === 9
      ? `drivers/evil/${hostile}.c`
      : `drivers/${['media', 'gpu', 'vfio', 'virt'][i % 4]}/grabber${i}.c`
  const sites = Array.from({ length: size }, (_, i): Site => siteOf(i, file(i), verdictOf(i)))
  const count = (v: Verdict): number => sites.filter((s) => s.verdict === v).length
  return {
    schema: auditSchemaVersion,
    tool: { name: 'tenure', version: '0.0.0' },
    tree: { path: `linux-${hostile}`, kernel: '5.9', kernelFrom: 'option' },
    protocols: ['pfn-lookup'],
    summary: {
      filesSeen: 34663,
      filesParsed: size,
      functions: size * 9,
      functionsRead: size * 4,
      functionsUnderstood: size * 4 - 1,
      skipped: { 'syntax not understood': 1 },
      sites: size,
      holds: count('holds'),
      broken: count('broken'),
      unknown: count('unknown'),
      unknownReasons: { 'the value leaves through a function pointer': count('unknown') },
    },
    sites,
    problems: [{ file: `drivers/evil/${hostile}.h`, line: 3, message: hostile }],
  }
}

const found = runLitmus(parse(new Source('', test('FILE'))).value!, { kernel: '5.9' }).value!

function siteOf(i: number, file: string, verdict: Verdict): Site {
  // A place is a word: a file whose name has spaces has none in a test.
  const named = file.replaceAll(/\s/g, '_')
  const text = test(named)
  const broken = found.broken[0]!
  return {
    file,
    line: 13,
    column: 8,
    function: `grabber${i}_start`,
    api: 'follow_pfn',
    kind: i % 5 === 0 ? 'page-pin' : 'pfn-lookup',
    flags: [],
    guard: 'mmap_lock',
    hold: i % 2 === 0 ? 'longterm' : 'synchronous',
    escapes: [{ file, line: 17, text: `is written to the device's base register ${hostile}` }],
    verdict,
    classes: verdict === 'broken' ? ['pfn-outlives-lock'] : [],
    ...(verdict === 'unknown' ? { reason: 'the value leaves through a function pointer' } : {}),
    summary: `The PFN is given to the device after the lock under which it was true is gone. ${hostile}`,
    litmus: { name: 'grabber', text, states: found.counts.states, complete: true },
    ...(verdict === 'broken'
      ? {
          witness: {
            invariant: broken.code,
            promise: broken.promise,
            detail: broken.detail,
            actors: broken.witness.actors,
            pages: broken.witness.pages,
            steps: broken.witness.steps.map((s) => ({
              ...s,
              ...(s.place === undefined ? {} : { place: s.place.replace('FILE', file) }),
            })),
            replay: 'tenure check --kernel 5.9 grabber.litmus',
          },
          repair: {
            name: 'hold the lock over the use',
            text: 'Use the PFN between follow_pte() and pte_unmap_unlock().',
            states: 40,
            litmus: text,
            tried: [{ name: 'look it up again', breaks: 'use-after-free' }],
          },
        }
      : {}),
  }
}
