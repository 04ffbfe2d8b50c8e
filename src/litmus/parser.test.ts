import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Source } from '../base/index.ts'
import type { Call, Declaration, Expect, Expr, LitmusTest, Proc, Stmt } from './ast.ts'
import { parse } from './parser.ts'
import { print } from './print.ts'

/** The test without its spans, for comparison. */
const bare = (x: unknown): unknown =>
  JSON.parse(JSON.stringify(x, (k, v: unknown) => (k === 'span' ? undefined : v)))

/** Only of what is no text at all there is no test. */
const read = (text: string): { test: LitmusTest; errors: string[] } => {
  const { value, diagnostics } = parse(new Source('t', text))
  return { test: value!, errors: diagnostics.map((d) => `${d.code} ${d.primary?.span.start} ${d.message}`) }
}

const example = `C vb2-userptr+bo-move

(*
 * Result: 5.9 Sometimes use-after-free; 6.1 Never;
 *         5.9 with follow_pfn=strict Never
 *
 * V4L2 programs the device with a PFN that it looked up.
 *   The GPU driver moves the buffer.
 *)

{ device gpu; bo B = gpu(1 page, vram); mm A, C; A:p = mmap(B, 1, PROT_READ | PROT_WRITE, MAP_SHARED, untouched); }

P0(mm A)                    // VIDIOC_QBUF, V4L2_MEMORY_USERPTR
{
again:
	mmap_read_lock();
	r0 = follow_pfn(p, &pfn); // drivers/media/x.c:12
	mmap_read_unlock();
	if (r0 != -EINVAL && !r1) { // drivers/media/x.c:14
		buf->paddr = pfn;
	} else if (r0) goto again;
	do { r2 = *p; } while (r2 < 3);
	*p = 1;
	while (1)
		return;
}

P1(device gpu) daemon
{
	bo_move(B, system);
}

~exists (0:r0=0 /\\ (A:*p=1 \\/ ~(1:r1=-EFAULT)))
`

test('a test of every construct is read whole, and printing it is stable', () => {
  const { test: t, errors } = read(example)
  assert.deepEqual(errors, [])
  assert.equal(t.name, 'vb2-userptr+bo-move')
  assert.deepEqual(bare(t.expect), [
    { kernels: ['5.9'], policies: {}, outcome: 'Sometimes', broken: ['use-after-free'] },
    { kernels: ['6.1'], policies: {}, outcome: 'Never', broken: [] },
    { kernels: ['5.9'], policies: { follow_pfn: 'strict' }, outcome: 'Never', broken: [] },
  ])
  assert.equal(
    t.comment,
    'V4L2 programs the device with a PFN that it looked up.\n  The GPU driver moves the buffer.',
  )
  assert.deepEqual(
    t.init.map((d) => [d.kind, d.scope, d.name, d.call?.name]),
    [
      ['device', undefined, 'gpu', undefined],
      ['bo', undefined, 'B', 'gpu'],
      ['mm', undefined, 'A', undefined],
      ['mm', undefined, 'C', undefined],
      ['address', 'A', 'p', 'mmap'],
    ],
  )
  assert.deepEqual(
    t.procs.map((p) => [p.name, p.context, p.daemon, p.comment]),
    [
      ['P0', { kind: 'mm', name: 'A' }, false, 'VIDIOC_QBUF, V4L2_MEMORY_USERPTR'],
      ['P1', { kind: 'device', name: 'gpu' }, true, undefined],
    ],
  )
  const places = t.procs[0]!.body.map((s) => ('place' in s ? s.place : undefined))
  assert.deepEqual(places.slice(0, 5), [
    undefined,
    undefined,
    'drivers/media/x.c:12',
    undefined,
    'drivers/media/x.c:14',
  ])
  const printed = print(t)
  assert.deepEqual(bare(read(printed).test), bare(t))
  assert.equal(print(read(printed).test), printed)
})

test('several mistakes are shown in one run, each at its place', () => {
  const text = `C wrong
{ mm A; A:p = 3; bo B = gpu(1, vram }
P0(mm A) {
	r0 = ;
	r1 = follow_pfn(p, &);
	goto 1;
	r2 = 1
	r3 = 2;
	3 = r0;
}
exits (0:r0=0)
`
  const { errors } = read(text)
  assert.deepEqual(
    errors.map((e) => {
      const [code, at, ...words] = e.split(' ')
      return `${code} ${text.slice(Number(at), Number(at) + 4).replaceAll(/\s/g, '_')}| ${words.join(' ')}`
    }),
    [
      'litmus/init 3;_b| a declaration is made by a call',
      'litmus/syntax _}_P| `)` is expected here',
      'litmus/syntax ;__r| an expression is expected here',
      'litmus/syntax );__| the name of what `&` is the address of is expected here',
      'litmus/syntax 1;__| a label is expected here',
      'litmus/syntax __r3| `;` is expected here',
      'litmus/target 3_=_| this cannot be assigned to',
      'litmus/syntax 0:r0| `)` is expected here: a process runs in one context',
    ],
  )
})

const unfinished = [
  '',
  'C',
  'C x',
  'C x\n(* open',
  'C x\n{',
  'C x\n{}P0(mm A) {',
  'C x\n{}P0(',
  'C x\n{}exists',
  'C x {}\nexists (',
  '/*',
]
for (const text of unfinished)
  test(`what ends too early is an error, not a crash: ${JSON.stringify(text)}`, () => {
    if (text === 'C x\n{') assert.match(read(text).errors[0]!, /`}` is expected here/)
    else assert.ok(text === 'C x' || read(text).errors.length > 0)
  })

test('deep nesting is refused, not a stack overflow', () => {
  for (const deep of ['('.repeat(50_000), '*'.repeat(50_000), 'f('.repeat(50_000), '-'.repeat(50_000)])
    assert.match(read(`C x\n{}\nP0() { ${deep}`).errors.join('\n'), /nest deeper/)
  assert.match(read(`C x\n{}\nP0() { ${'if (1) {'.repeat(50_000)}`).errors.join('\n'), /nest deeper/)
  assert.match(read(`C x\n{}\nP0() { ${'if (1) '.repeat(50_000)}`).errors.join('\n'), /nest deeper/)
})

// --- properties ---

const keywords = new Set([
  'if',
  'else',
  'while',
  'do',
  'goto',
  'return',
  'exists',
  'forall',
  'daemon',
  'page',
  'pages',
])
const word = fc.stringMatching(/^[A-Za-z_][a-z0-9_]{0,6}$/).filter((w) => !keywords.has(w))
const path = fc.oneof(
  { weight: 4, arbitrary: word },
  fc.tuple(word, fc.constantFrom('.', '->'), word).map((p) => p.join('')),
)
const opt = <K extends string, T>(key: K, a: fc.Arbitrary<T>): fc.Arbitrary<{ [P in K]?: T }> =>
  fc.option(
    a.map((v) => ({ [key]: v }) as { [P in K]: T }),
    { nil: {} as { [P in K]?: T } },
  )
const place = opt('place', fc.stringMatching(/^[a-z]{1,5}(\/[a-z0-9_-]{1,6}){0,2}\.[ch]:[1-9][0-9]{0,3}$/))
const ops = ['==', '!=', '<', '<=', '>', '>=', '&&', '||', '+', '-', '|', '/\\', '\\/'] as const

const { expr, call, scoped } = fc.letrec<{ expr: Expr; call: Call; scoped: Expr; tree: Expr }>((tie) => {
  const leaf = fc.oneof(
    fc
      .integer({ min: -4096, max: 1 << 20 })
      .map((value): Expr => ({ kind: 'number', value: value === 0 ? 0 : value })),
    path.map((name): Expr => ({ kind: 'name', name })),
    path.map((name): Expr => ({ kind: 'address', name })),
  )
  const over = (of: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc.oneof(
      of.map((e): Expr => ({ kind: 'deref', of: e })),
      fc
        .tuple(fc.constantFrom('!' as const, '-' as const), of)
        .map(([op, e]): Expr => ({ kind: 'unary', op, of: e })),
      fc
        .tuple(fc.constantFrom(...ops), of, of)
        .map(([op, left, right]): Expr => ({ kind: 'binary', op, left, right })),
    )
  const name = fc
    .tuple(
      fc.oneof(
        word,
        fc.nat(9).map((n) => `P${n}`),
      ),
      path,
    )
    .map(([proc, n]): Expr => ({ kind: 'name', name: n, proc }))
  return {
    call: fc.record({
      kind: fc.constant('call' as const),
      name: path,
      args: fc.array(tie('expr'), { maxLength: 3 }),
    }),
    expr: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, over(tie('expr')), tie('call')),
    tree: fc.constant({ kind: 'number', value: 0 } as Expr),
    scoped: fc.oneof({ depthSize: 'small' }, leaf, name, over(tie('scoped'))),
  }
})

const stmts = fc.letrec<{ stmt: Stmt; body: Stmt[] }>((tie) => ({
  body: fc.array(tie('stmt'), { maxLength: 3 }),
  stmt: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(call, place).map(([e, p]): Stmt => ({ kind: 'expr', expr: e, ...p })),
    fc
      .tuple(
        fc.oneof(
          path.map((name): Expr => ({ kind: 'name', name })),
          expr.map((of): Expr => ({ kind: 'deref', of })),
        ),
        expr,
        place,
      )
      .map(([target, value, p]): Stmt => ({ kind: 'assign', target, value, ...p })),
    fc.tuple(word, place).map(([label, p]): Stmt => ({ kind: 'goto', label, ...p })),
    word.map((label): Stmt => ({ kind: 'label', label })),
    place.map((p): Stmt => ({ kind: 'return', ...p })),
    fc.tuple(expr, place).map(([value, p]): Stmt => ({ kind: 'return', value, ...p })),
    fc
      .tuple(expr, tie('body'), tie('body'), place)
      .map(([cond, then, e, p]): Stmt => ({ kind: 'if', cond, then, else: e, ...p })),
    fc
      .tuple(expr, tie('body'), fc.boolean(), place)
      .map(([cond, body, doFirst, p]): Stmt => ({ kind: 'while', cond, body, doFirst, ...p })),
  ),
}))

const declaration: fc.Arbitrary<Declaration> = fc.oneof(
  fc.tuple(word, word, opt('call', call), place).map(([kind, name, c, p]) => ({ kind, name, ...c, ...p })),
  fc
    .tuple(word, word, call, place)
    .map(([scope, name, c, p]) => ({ kind: 'address', scope, name, call: c, ...p })),
)
const proc: fc.Arbitrary<Proc> = fc
  .tuple(
    word,
    word,
    word,
    fc.boolean(),
    stmts.body,
    opt('comment', fc.stringMatching(/^[a-z][a-zA-Z_, ]{0,20}[a-z]$/)),
  )
  .map(([name, kind, of, daemon, body, c]) => ({ name, context: { kind, name: of }, daemon, body, ...c }))
const code = fc.stringMatching(/^[a-z]{2,5}(-[a-z]{2,5}){0,2}$/).filter((c) => c !== 'holds' && c !== 'with')
const expect: fc.Arbitrary<Expect> = fc
  .tuple(
    fc.oneof(
      fc.constant(['*']),
      fc.array(fc.constantFrom('5.9', '5.10', '6.1', '6.12', '7.2'), { minLength: 1, maxLength: 3 }),
    ),
    fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.stringMatching(/^[a-z]{1,6}$/), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    opt('outcome', fc.constantFrom('Always' as const, 'Sometimes' as const, 'Never' as const)),
    fc.array(code, { maxLength: 2 }),
  )
  .map(([kernels, policies, outcome, broken]) => ({ kernels, policies, ...outcome, broken }))
const litmus: fc.Arbitrary<LitmusTest> = fc
  .record({
    name: fc.stringMatching(/^[a-z][a-z0-9+-]{0,12}$/),
    comment: fc.array(fc.stringMatching(/^[a-zA-Z,.* ]{0,12}$/), { maxLength: 4 }).map((ls) =>
      ls
        .map((l) => l.trimEnd())
        .join('\n')
        .replace(/^\n+|\n+$/g, ''),
    ),
    expect: fc.array(expect, { maxLength: 3 }),
    init: fc.array(declaration, { maxLength: 4 }),
    procs: fc.array(proc, { maxLength: 3 }),
    condition: fc.option(
      fc.record({
        quantifier: fc.constantFrom('exists' as const, '~exists' as const, 'forall' as const),
        expr: scoped,
      }),
      { nil: undefined },
    ),
  })
  .map(({ condition, ...t }) => ({ ...t, ...(condition ? { condition } : {}) }))

test('what is printed is read as the same test', () => {
  fc.assert(
    fc.property(litmus, (t) => {
      const { test: again, errors } = read(print(t))
      assert.deepEqual(errors, [], print(t))
      assert.deepEqual(bare(again), bare(t), print(t))
    }),
    { numRuns: 400 },
  )
})

test('no text makes the parser throw or run on', () => {
  const pieces = fc.constantFrom(
    ...'{ } ( ) ; : , = * & ~ - (* *) /\\ /* */ // # \0 é 0x 1 ->'.split(' '),
    ...'P0 mm A if else while do goto return exists forall daemon'.split(' '),
    'C x\n',
    '//a:1\n',
    '\n',
    ' Result: 5.9',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(pieces, { maxLength: 60 }).map((p) => p.join('')),
    fc.array(pieces, { maxLength: 60 }).map((p) => `C x\n{}\nP0() {${p.join(' ')}`),
  )
  fc.assert(
    fc.property(text, (s) => {
      const { test: t, errors } = read(s)
      assert.equal(t === undefined, s.includes('\0'))
      if (errors.length === 0) assert.deepEqual(bare(read(print(t)).test), bare(t))
    }),
    { numRuns: 2000 },
  )
})

test('a mistake anywhere in a right test is reported or harmless, and what is read can be printed', () => {
  fc.assert(
    fc.property(fc.nat(example.length), fc.nat(6), (at, n) => {
      const { test: t, errors } = read(example.slice(0, at) + example.slice(at + n))
      if (errors.length === 0) assert.deepEqual(bare(read(print(t)).test), bare(t))
    }),
    { numRuns: 500 },
  )
})

test('a text that does not begin with a head has one mistake, whatever its comment says', () => {
  const text =
    "x C name\n\n(*\n * Result: 5.9, 6.1 Sometimes\n * It's a comment. *)\n\n{ mm A; }\n\nP0(mm A)\n{\n\tmmap_read_lock();\n\tmmap_read_unlock();\n}\n"
  assert.deepEqual(
    parse(new Source('t', text)).diagnostics.map((d) => d.code),
    ['litmus/no-head'],
  )
  assert.deepEqual(
    parse(new Source('t', text.replace('x C name', ''))).diagnostics.map((d) => d.code),
    ['litmus/no-head'],
  )
})
