import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { check, findings, reference } from '../src/check/index.ts'
import { baseKind, isOptional, isOut, kernels, type Kind, type Op, ops } from '../src/kernel/index.ts'
import { bind, type LitmusTest, modelOf, parse, print } from '../src/litmus/index.ts'
import { Source, hasErrors } from '../src/base/index.ts'
import { corpus } from './corpus-counts.ts'

/*
 * Programs that nobody would write: any operations in any order, with and without the locks that they need. Whatever a test does, the
 * model answers with results and broken invariants, never with an exception, and the reference evaluator gives the same.
 */

const init = `C random
{
	mm A; mm C = unborn(); device gpu; mutex m; spinlock s; rwsem w; int i; pfn f; page g; frames v; dma d; vma u; sgt x; dma_buf h; attachment j; object o = kref(1);
	bo B = gpu(1 page, vram); bo S = gpu(1 page, system, vm_insert_page, VM_IO | VM_MIXEDMAP);
	dma_buf D = dma_buf_export(B); dma_buf H = heap(1 page);
	attachment t = dma_buf_dynamic_attach(D, gpu, moved); attachment e = dma_buf_dynamic_attach(H, gpu, unattached);
	A:p = mmap(B, 1 page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
	A:q = mmap(S, 1 page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
	A:a = mmap(NULL, 1 page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
	notifier n = mmu_interval_notifier(A:p, 1 page, invalidate);
}
`
const callback = `
invalidate(notifier n)
{
	mmu_interval_set_seq(n);
	secondary_unmap(n);
}
moved(attachment t)
{
	dma_buf_unmap_attachment(t, x, DMA_FROM_DEVICE);
}
`

/** What can be written for an argument of a kind. */
const samples: Partial<Record<Kind, readonly string[]>> = {
  addr: ['p', 'q', 'a'],
  int: ['1', '0', '2'],
  flags: ['FOLL_WRITE', 'FOLL_LONGTERM', '0', 'PROT_READ | PROT_WRITE'],
  where: ['system', 'vram'],
  seq: ['seq'],
  errno: ['0'],
  any: ['1'],
  pfn: ['pfn'],
  page: ['page'],
  frames: ['vec'],
  frame: ['pfn', 'page', 'vec'],
  target: ['pfn', 'page', 'dma', 'sgt'],
  sgt: ['sgt'],
  dma_buf: ['D', 'H', 'buf'],
  attachment: ['t', 'e', 'at'],
  object: ['o'],
  dma: ['dma'],
  vma: ['vma'],
  mm: ['A', 'C'],
  bo: ['B', 'S', 'D', 'H'],
  device: ['gpu'],
  notifier: ['n'],
  mutex: ['m'],
  spinlock: ['s'],
  rwsem: ['w'],
}
/** The register that takes a result of a kind. */
const taker: Partial<Record<Kind, string>> = {
  pfn: 'pfn',
  page: 'page',
  frames: 'vec',
  dma: 'dma',
  vma: 'vma',
  seq: 'seq',
  sgt: 'sgt',
  dma_buf: 'buf',
  attachment: 'at',
}

function statement(op: Op): fc.Arbitrary<string> {
  const args = op.args.map((a): fc.Arbitrary<string | undefined> => {
    const kind = baseKind(a.kind)
    const given = isOut(a.kind)
      ? fc.constant(`&${taker[kind] ?? 'out'}`)
      : kind === 'var'
        ? fc.constant('i')
        : fc.constantFrom(...(samples[kind] ?? ['0']))
    return isOptional(a.kind) ? fc.oneof(given, fc.constant(undefined)) : given
  })
  const dst = op.returns === undefined || op.returns === 'any' ? '' : `${taker[op.returns] ?? 'r'} = `
  return fc
    .tuple(...args)
    .map((given) => `${dst}${op.name}(${given.filter((g) => g !== undefined).join(', ')});`)
}

const programs = (kernel: string): fc.Arbitrary<string> => {
  const callable = [...ops.values()].filter((op) => !op.internal)
  const any = fc.constantFrom(...callable).chain(statement)
  // Some sense raises the share of programs that get anywhere.
  const sense = fc.constantFrom(
    'mmap_read_lock();',
    'mmap_read_unlock();',
    'mmap_write_lock();',
    'mmap_write_unlock();',
    'r = *p;',
    '*a = 1;',
    'munmap(p, 1);',
    'f = pfn;',
    'dma_resv_lock(D);',
    'dma_resv_unlock(D);',
    'x = sgt;',
    'r = dma_buf_get(D, &buf);',
    'r = dma_buf_attach(H, gpu, &at);',
    'vma = vma_lookup(p);',
  )
  const body = fc.array(fc.oneof({ weight: 3, arbitrary: any }, sense), { minLength: 1, maxLength: 5 })
  // Every register has a kind, whatever the statements do with it.
  const given =
    'seq = mmu_interval_read_begin(n); pfn = f; page = g; vec = v; dma = d; vma = u; sgt = x; buf = h; at = j;'
  return fc
    .tuple(body, body)
    .map(
      ([a, c]) =>
        `${init}P0(mm A) { ${given} ${a.join(' ')} }\nP1(mm A) { ${given} ${c.join(' ')} }\n${callback}`,
    )
    .map((t) => `${t}\n// ${kernel}`)
}

const read = (text: string): LitmusTest => {
  const { value, diagnostics } = parse(new Source('random', text))
  assert.deepEqual(diagnostics, [], text)
  return value!
}

for (const kernel of kernels)
  test(`no program makes the model of ${kernel} throw, and two evaluators agree on it`, () => {
    let ran = 0
    fc.assert(
      fc.property(programs(kernel), (text) => {
        const t = read(text)
        const { value: bound, diagnostics } = bind(t, kernel)
        if (bound === undefined) {
          assert.ok(hasErrors(diagnostics))
          return
        }
        ran++
        const found = check(modelOf(bound), { maxStates: 800, symmetry: false })
        if (!found.complete || found.states > 200) return
        let rows: object = {}
        const plain = modelOf(bound, (layout) => {
          const opened = layout.openPlain()
          rows = opened
          return opened
        })
        assert.deepEqual(findings(found), reference(plain, rows), print(t))
      }),
      { numRuns: Number(process.env['TENURE_RUNS'] ?? 25) },
    )
    assert.ok(ran > 10, `only ${ran} programs could be bound`)
  })

test('a corpus test that was changed anywhere is read, bound and run, or refused, and never throws', () => {
  const texts = corpus().map((f) => f.source.text)
  const word = fc.constantFrom(...new Set(texts.flatMap((t) => t.match(/\w+|[^\w\s]/g) ?? [])))
  const change = fc.tuple(
    fc.constantFrom(...texts),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat(12),
    fc.option(word),
  )
  fc.assert(
    fc.property(change, fc.constantFrom(...kernels), ([text, where, length, put], kernel) => {
      const body = text.indexOf('*)')
      const at = body + Math.floor(where * (text.length - body))
      const changed = `${text.slice(0, at)}${put ?? ''}${text.slice(at + length)}`
      const { value: t, diagnostics } = parse(new Source('changed', changed))
      if (t === undefined || hasErrors(diagnostics)) return
      const { value: bound } = bind(t, kernel)
      if (bound) check(modelOf(bound), { maxStates: 200 })
    }),
    { numRuns: Number(process.env['TENURE_RUNS'] ?? 25) * 20 },
  )
})
