import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { audit, type AuditResult, protocols } from '../src/audit/index.ts'
import { renderMarkdown } from '../src/report/audit-markdown.ts'
import { renderSarif } from '../src/report/audit-sarif.ts'
import { renderAudit } from '../src/report/audit-text.ts'
import { MemoryTree, Program } from '../src/source/index.ts'

/** The whole way from text to report, on text that nobody would write: no crash, no hang, and never a verdict without its reason. */
const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
const seeds = readdirSync(folder)
  .filter((f) => f.endsWith('.c'))
  .map((f) => readFileSync(`${folder}/${f}`, 'utf8'))

/** No function may take longer, on a machine that does other things as well. */
const most = 20_000

async function audited(...texts: string[]): Promise<AuditResult> {
  const tree = new MemoryTree('fuzz', new Map(texts.map((t, i) => [`f${i}.c`, Buffer.from(t)])))
  const program = new Program(tree)
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(new Error('it takes too long')), most)
  const start = performance.now()
  try {
    const result = await audit(program, {
      treeKernel: undefined,
      protocols,
      version: 'fuzz',
      path: 'fuzz',
      signal: abort.signal,
    })
    const took = performance.now() - start
    assert.ok(took < most, `${took.toFixed(0)} ms`)
    for (const s of result.sites) {
      const at = `${s.file}:${s.line} ${s.api}`
      if (s.verdict === 'unknown') assert.ok(s.reason, `${at}: unknown, and no reason`)
      else if (s.verdict === 'broken') {
        assert.ok(s.litmus && s.witness, `${at}: broken, and no run that shows it`)
        assert.ok(s.classes.length > 0, at)
      }
      for (const h of s.escapes)
        assert.ok(h.line > 0 && texts[Number(/\d+/.exec(h.file)![0])] !== undefined, at)
    }
    const lineOf = (file: string, line: number) => program.file(file)?.source.line(line)
    renderAudit(result, lineOf)
    renderMarkdown(result, lineOf)
    JSON.parse(renderSarif(result, { page: () => undefined, lineOf, prefix: '', compared: false }))
    return result
  } finally {
    clearTimeout(timer)
    await program.close()
  }
}

type Edit = {
  readonly do: 'drop' | 'twice' | 'swap' | 'move' | 'from'
  readonly at: number
  readonly to: number
}

function edited(text: string, other: string, edits: readonly Edit[]): string {
  const lines = text.split('\n')
  const theirs = other.split('\n')
  for (const e of edits) {
    const i = e.at % lines.length
    const j = e.to % lines.length
    if (e.do === 'drop') lines.splice(i, 1)
    else if (e.do === 'twice') lines.splice(j, 0, lines[i]!)
    else if (e.do === 'swap') [lines[i], lines[j]] = [lines[j]!, lines[i]!]
    else if (e.do === 'move') lines.splice(j, 0, ...lines.splice(i, 1 + (e.to % 4)))
    else lines.splice(i, 0, theirs[e.to % theirs.length]!)
    if (lines.length === 0) lines.push('')
  }
  return lines.join('\n')
}

const edit: fc.Arbitrary<Edit> = fc.record({
  do: fc.constantFrom('drop', 'twice', 'swap', 'move', 'from'),
  at: fc.nat(1000),
  to: fc.nat(1000),
})
const seed = fc.constantFrom(...seeds)

test('drivers with lines dropped, doubled, moved and mixed are audited to the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      seed,
      seed,
      fc.array(edit, { minLength: 1, maxLength: 8 }),
      async (text, other, edits) => {
        await audited(edited(text, other, edits), other)
      },
    ),
    { numRuns: 150 },
  )
})

test('drivers with their words put elsewhere are audited to the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      seed,
      fc.array(fc.tuple(fc.nat(5000), fc.nat(5000)), { minLength: 1, maxLength: 6 }),
      async (text, swaps) => {
        const words = text.split(/\b/)
        for (const [a, b] of swaps) words[a % words.length] = words[b % words.length]!
        await audited(words.join(''))
      },
    ),
    { numRuns: 150 },
  )
})

test('parameters and fields without a name are nobody’s', async () => {
  const { sites } = await audited(`#include <linux/mm.h>
static void give(struct device *dev, unsigned long, unsigned long pfn)
{
	dma_map_resource(dev, PFN_PHYS(pfn), PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
}
int f(struct device *dev, struct vm_area_struct *vma, unsigned long)
{
	unsigned long pfn;
	int ret = follow_pfn(vma, vma->vm_start, &pfn);

	if (!ret)
		give(dev, pfn, pfn);
	return ret;
}
`)
  assert.deepEqual(
    sites.map((s) => s.verdict),
    ['broken'],
  )
})

const pinned = (body: string): string => `#include <linux/mm.h>
int f(unsigned long addr, int n, struct page **pages)
{
	int i, ret = pin_user_pages_fast(addr, n, FOLL_WRITE | FOLL_LONGTERM, pages);
${body}
	unpin_user_pages(pages, ret);
	return 0;
}
`

test('what has more ways through it than can be walked ends in time', async () => {
  const many = (n: number, of: (i: number) => string): string =>
    Array.from({ length: n }, (_, i) => of(i)).join('\n')
  const hostile = [
    pinned(
      many(400, (i) => `\tif (ret == ${i} || n & ${i})\n\t\tgoto l${i % 7};\n\tl${i > 6 ? `x${i}` : i}:;`),
    ),
    pinned(many(60, (i) => `\tfor (i = 0; i < ${i}; i++)\n\t\tif (pages[i])\n\t\t\tn++;`)),
    pinned(`\tswitch (n) {\n${many(600, (i) => `\tcase ${i}:\n\t\tret += ${i};`)}\n\t}`),
    `${many(300, (i) => `static int g${i}(struct page **p, int n)\n{\n\treturn g${(i + 1) % 300}(p, n) + g${(i * 7) % 300}(p, n);\n}`)}\n${pinned('\tg0(pages, ret);')}`,
    `static int r(struct page **p, int n)\n{\n\treturn n ? r(p, n - 1) : r(p, n + 1);\n}\n${pinned('\tr(pages, ret);')}`,
    pinned(`\t${'{'.repeat(3000)}${'}'.repeat(3000)}`),
    pinned(`\tret = ${'ret + '.repeat(3000)} 1;`),
    pinned(
      many(200, (i) => `#ifdef A${i}\n\tif (a${i}()) {\n#else\n\tif (b${i}()) {\n#endif\n\t\tret++;\n\t}`),
    ),
  ]
  for (const text of hostile) {
    const { sites } = await audited(text)
    assert.ok(sites.length > 0, text.slice(0, 200))
  }
})
