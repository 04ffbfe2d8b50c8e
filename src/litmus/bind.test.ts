import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from '../base/index.ts'
import { bind } from './bind.ts'
import { parse } from './parser.ts'

const init = `{ mm A; device gpu; bo B = gpu(1 page, vram); mutex m; pfn shared;
A:p = mmap(B, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE); }`

/** What is said of a test with this body in P0, each with the text it points at. */
function said(body: string, kernel = '6.1', more = '', condition = ''): string[] {
  const used = 'P9(device gpu) { mutex_lock(m); mutex_unlock(m); shared = NULL; }'
  const text = `C t\n${init}\n${more}\nP0(mm A)\n{ ${body} }\n${used}\n${condition}`
  const { value, diagnostics } = parse(new Source('t', text))
  assert.deepEqual(diagnostics, [], text)
  return bind(value!, kernel).diagnostics.map((d) => {
    const at = d.primary?.span
    const where = at ? ` \`${text.slice(at.start, at.end)}\`` : ''
    return `${d.code}${where}: ${d.message}${(d.hints ?? []).map((h) => ` [${h.text}]`).join('')}`
  })
}

const lookup = 'mmap_read_lock(); r0 = follow_pfn(p, &pfn); mmap_read_unlock();'

test('a right test is bound without a word', () => {
  assert.deepEqual(said(lookup), [])
  assert.deepEqual(
    said('r0 = get_user_pages_fast(p, 2, 0, pages); release_pages(pages, r0); r1 = kernel_read(pages[1]);'),
    [],
  )
})

const wrong: [name: string, body: string, expected: RegExp][] = [
  [
    'an unknown operation suggests its neighbours',
    'r0 = folow_pfn(p, &pfn);',
    /^litmus\/unknown-op `folow_pfn\(p, &pfn\)`.*did you mean `follow_pfn`/,
  ],
  [
    'an argument of another kind is shown with what is wanted',
    'mutex_lock(p);',
    /^litmus\/argument `p`: `p` is of kind addr; mutex_lock wants a mutex/,
  ],
  [
    'too many arguments are told with the right form',
    'mutex_lock(m, m);',
    /^litmus\/argument.*it is mutex_lock\(lock\)/,
  ],
  [
    'an undeclared name suggests declared ones',
    'mutex_lock(mm);',
    /^litmus\/undeclared `mm`.*did you mean `m`/,
  ],
  [
    'a register that nothing assigns is undeclared',
    `${lookup} kernel_write(pfm, 1);`,
    /^litmus\/undeclared `pfm`.*did you mean `pfn`/,
  ],
  [
    'a goto needs its label',
    'out: mmap_read_lock(); mmap_read_unlock(); goto ouf;',
    /^litmus\/no-label.*did you mean `out`/,
  ],
  ['a statement that does nothing is told', 'p;', /^litmus\/no-effect/],
  ['a declared thing cannot be assigned to', 'B = 1;', /^litmus\/target `B`/],
  ['a result that there is none of is told', 'r0 = mutex_lock(m); mutex_unlock(m);', /^litmus\/no-result/],
  [
    'as many pages as are asked for must have room',
    'r0 = get_user_pages_fast(p, 2, 0, &page); put_page(page);',
    /^litmus\/room `&page`: get_user_pages_fast is asked for 2 pages, and `&page` has room for 1 \[give it several/,
  ],
  [
    'how many pages are asked for is known',
    'r1 = vma_lookup(p) == NULL; r0 = get_user_pages_fast(p, r1, 0, &page); put_page(page);',
    /^litmus\/room `&page`: how many pages get_user_pages_fast is asked for is a number here, not `r1`/,
  ],
  [
    'several pages are given to what takes several',
    'r0 = get_user_pages_fast(p, 2, 0, pages); put_page(pages);',
    /`pages` is not declared/,
  ],
  ['a register holds one kind of thing', `${lookup} pfn = vma_lookup(p);`, /^litmus\/two-kinds/],
  [
    'a shared variable takes what is of its kind',
    'shared = 1;',
    /^litmus\/two-kinds `1`: `1` is of kind int, and `shared` is a variable of kind pfn/,
  ],
  ['a loop without an operation is refused', 'r0 = 1; while (r0) r0 = r0 + 0;', /^litmus\/endless-loop/],
]
for (const [name, body, expected] of wrong)
  test(name, () => {
    const all = said(body)
    assert.ok(
      all.some((m) => expected.test(m)),
      all.join('\n'),
    )
    assert.equal(all.filter((m) => !m.startsWith('litmus/unused')).length, 1, all.join('\n'))
  })

test('an operation that a kernel does not have is told with since when, or until when, there is one', () => {
  assert.match(
    said(lookup, '6.12')[0]!,
    /^litmus\/not-in-this-kernel `follow_pfn.*before 6\.1\d; this test runs on 6\.12/,
  )
  assert.deepEqual(said(lookup, '5.9'), [])
})

test('an operation on the memory of a process needs one', () => {
  const all = said('r0 = 0;', '6.1', 'P1(device gpu) { r1 = *p; }')
  assert.match(all.join('\n'), /litmus\/(context|unknown-op)/)
})

test('what is declared and not used is warned of, and still runs', () => {
  const { value } = parse(
    new Source('t', 'C t\n{ mm A; mutex m; A:p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE); }\nP0() { }'),
  )
  const bound = bind(value!, '6.1')
  assert.deepEqual(
    bound.diagnostics.map((d) => `${d.severity} ${d.message}`),
    ['warning `m` is declared and not used', 'warning `A:p` is mapped and not used'],
  )
  assert.ok(bound.value)
})

test('a condition names what a final state has', () => {
  for (const ok of [
    '0:r0=-EINVAL',
    'A:*p=0 /\\ shared=NULL',
    'page_count(B)>1',
    'page_mapcount(A:p)=0',
    'tainted()=1',
  ])
    assert.deepEqual(said(lookup, '6.1', '', `exists (${ok})`), [])
  for (const [bad, help] of [
    ['0:r1=0', 'r0'],
    ['3:r0=0', 'nothing that a final state has'],
    ['r0=0', 'nothing that a final state has'],
    ['A:*q=0', 'nothing that a final state has'],
    ['page_count(A)=0', 'nothing that a final state has'],
    ['page_count(B, 1)=0', 'nothing that a final state has'],
    ['tainted(B)=1', 'nothing that a final state has'],
  ] as const)
    assert.match(
      said(lookup, '6.1', '', `exists (${bad})`).join('\n'),
      new RegExp(`litmus/condition.*${help}`),
      bad,
    )
})

test('initial states that cannot be are told', () => {
  const declared = (text: string): string => {
    const { value, diagnostics } = parse(new Source('t', `C t\n{ device gpu; mm A; ${text} }\nP0(mm A) { }`))
    assert.deepEqual(diagnostics, [], text)
    return bind(value!, '6.1')
      .diagnostics.filter((d) => d.severity === 'error')
      .map((d) => `${d.code} ${d.message}`)
      .join('\n')
  }
  for (const [text, expected] of [
    ['bo B = gpu(0, vram);', /argument how many pages/],
    ['bo B = gpu(1, disk);', /argument a bo is in/],
    ['bo B = cpu(1, vram);', /undeclared `cpu` is no declared device/],
    ['bo B = gpu(1, vram, vmf_insert);', /argument `vmf_insert` says neither/],
    ['mux m;', /unknown-kind `mux`/],
    ['mutex A;', /duplicate `A` is declared twice/],
    ['mutex vram;', /duplicate `vram` is a constant/],
    ['A:p = mmap(B, 1, PROT_READ, MAP_SHARED, untouched);', /argument what is mapped/],
    ['A:p = mmap(NULL, 1, PROT_REED, MAP_SHARED);', /argument `PROT_REED` is not/],
    ['Z:p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE);', /undeclared `Z`/],
    ['bo B = gpu(1, vram); A:p = mmap(B, 2, PROT_READ, MAP_SHARED, untouched);', /longer than B/],
    ['notifier n = mmu_interval_notifier(A:p, 1, f);', /argument the first argument/],
    [
      'A:p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE); notifier n = mmu_interval_notifier(A:p, 1, f);',
      /undeclared there is no callback `f`/,
    ],
    ['spare nowhere = frames(1);', /spare frames are in a zone/],
  ] as const)
    assert.match(declared(text), expected, text)
})
