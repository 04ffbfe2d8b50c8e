import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { calleeName, callsOf, type CFile, type Expr, opsOf, parseC, type Stmt } from './index.ts'

const fixtures = new URL('../../../test/fixtures/source/', import.meta.url)
const fixture = (name: string): CFile => parseC(name, readFileSync(new URL(name, fixtures), 'utf8'))
const body = (c: string): readonly Stmt[] => {
  const file = parseC('t.c', `void f(struct s *p, int a, int b)\n{\n${c}\n}`)
  assert.deepEqual(file.functions[0]!.body.problems, [])
  return file.functions[0]!.body.stmts
}
/** An expression with its structure shown by parentheses. */
const shape = (e: Expr): string => {
  switch (e.kind) {
    case 'name':
      return e.name
    case 'number':
    case 'string':
      return e.text
    case 'call':
      return `${shape(e.callee)}(${e.args.map(shape).join(', ')})`
    case 'member':
      return `${shape(e.base)}${e.arrow ? '->' : '.'}${e.field}`
    case 'index':
      return `${shape(e.base)}[${shape(e.index)}]`
    case 'unary':
      return e.postfix ? `(${shape(e.of)}${e.op})` : `(${e.op}${shape(e.of)})`
    case 'binary':
      return `(${shape(e.left)} ${e.op} ${shape(e.right)})`
    case 'assign':
      return `(${shape(e.target)} ${e.op === '=' ? '' : e.op}= ${shape(e.value)})`
    case 'ternary':
      return `(${shape(e.cond)} ? ${e.then ? shape(e.then) : ''} : ${shape(e.otherwise)})`
    case 'cast':
      return `<${e.type.base}${'*'.repeat(e.type.pointer)}>${shape(e.of)}`
    case 'sizeof':
      return `${e.op} ${shape(e.of)}`
    case 'type':
      return `<${e.type.base}${'*'.repeat(e.type.pointer)}>`
    case 'comma':
      return `(${e.items.map(shape).join(', ')})`
    case 'init':
      return `${e.type ? `<${e.type.base}>` : ''}{${e.items.map((i) => `${i.path.join('')}${i.path.length > 0 ? '=' : ''}${shape(i.value)}`).join(', ')}}`
    default:
      return `?${e.kind}`
  }
}
const expr = (c: string): string => {
  const s = body(`${c};`)[0]!
  assert.equal(s.kind, 'expr')
  return shape((s as Stmt & { kind: 'expr' }).expr)
}

test('operators bind as in C', () => {
  assert.equal(
    expr('a + b * 2 << 1 & 3 == 4 || !a && b'),
    '((((a + (b * 2)) << 1) & (3 == 4)) || ((!a) && b))',
  )
  assert.equal(expr('a = b |= p->x.y[2]++'), '(a = (b |= (p->x.y[2]++)))')
  assert.equal(expr('a ? b : a ? 1 : 2'), '(a ? b : (a ? 1 : 2))')
  assert.equal(expr('a ?: b'), '(a ?  : b)')
  assert.equal(expr('*p->q(a)->r'), '(*p->q(a)->r)')
})

test('a cast is told from a parenthesis by what it holds and what follows', () => {
  assert.equal(expr('a = (u64)b << 3'), '(a = (<u64>b << 3))')
  assert.equal(expr('a = (a) * b'), '(a = (a * b))')
  assert.equal(expr('a = (dma_addr_t)-b'), '(a = <dma_addr_t>(-b))')
  assert.equal(expr('a = (unsigned long)(b + 1)'), '(a = <unsigned long>(b + 1))')
  assert.equal(expr('a = (b) (p)'), '(a = b(p))')
  assert.equal(expr('a = *(u32 __user *)p'), '(a = (*<u32*>p))')
  assert.equal(expr('f((struct x){ .y = a })'), 'f(<struct x>{.y=a})')
})

test('types stand as arguments of macros and of sizeof', () => {
  assert.equal(expr('g(p, struct own, m)'), 'g(p, <struct own>, m)')
  assert.equal(expr('va_arg(p, u8 *)'), 'va_arg(p, <u8*>)')
  assert.equal(expr('g(sizeof(struct own *) * sizeof(*p))'), 'g((sizeof <struct own*> * sizeof (*p)))')
  assert.equal(expr('guard(mutex)(&p->lock)'), 'guard(mutex)((&p->lock))')
})

test('a declaration is told from an expression', () => {
  const kinds = (c: string): string[] =>
    body(c).map((s) =>
      s.kind === 'local' ? `local ${s.name} ${s.type.base}${'*'.repeat(s.type.pointer)}` : s.kind,
    )
  assert.deepEqual(kinds('foo_t *x, y = 1; a * b;'), ['local x foo_t*', 'local y foo_t', 'expr'])
  assert.deepEqual(kinds('struct s x[3]; DEFINE_WAIT(w);'), ['local x struct s', 'expr'])
  assert.deepEqual(kinds('unsigned x:3; long long y; void (*fn)(int) = g;'), [
    'local x unsigned',
    'local y long long',
    'local fn void',
  ])
  assert.deepEqual(kinds('typeof(*p) *q = p; const char *const s = "x";'), [
    'local q typeof(*p)*',
    'local s char*',
  ])
})

test('names, parameters and attributes of functions are read through the macros around them', () => {
  const f = fixture('macros.c').functions
  assert.deepEqual(
    f.map((x) => [
      x.name,
      x.macro ?? '',
      x.line,
      x.static,
      x.params.map((p) => `${p.name}: ${p.type.base}${'*'.repeat(p.type.pointer)}`).join(', '),
    ]),
    [
      ['sys_own_map', 'SYSCALL_DEFINE3', 31, false, 'addr: unsigned long, len: size_t, out: int*'],
      ['compat_sys_own_old', 'COMPAT_SYSCALL_DEFINE1', 36, false, 'addr: compat_ulong_t'],
      ['own_page', '', 41, true, 'd: struct own_dev*, base: u8*'],
      ['own_entry', '', 47, false, 'regs: struct pt_regs*'],
      ['own_made', 'DEFINE_OWN_CALL', 68, false, 'd: struct own_dev*'],
    ],
  )
  assert.deepEqual(f[2]!.attributes, ['__must_check', '__init', '__must_hold(&d->lock)', '__acquires(rcu)'])
  assert.deepEqual(f[2]!.returns.base + '*'.repeat(f[2]!.returns.pointer), 'struct page*')
  for (const x of f) assert.deepEqual(x.body.problems, [], x.name)
})

test('calls are found in the order of the text, also where macros stand without semicolons', () => {
  const f = fixture('macros.c').functions.find((x) => x.name === 'own_entry')!
  assert.deepEqual(callsOf(f).map(calleeName), [
    'container_of',
    'take_lock',
    'to_addr',
    'pr_info',
    'for_each_own',
    'cb',
    'own_next',
    'own_temp',
  ])
  assert.equal(f.mentions('own_temp'), true)
  assert.equal(f.mentions('own_tem'), false)
})

test('macros, types, variables, exports and invocations are facts of the file', () => {
  const c = fixture('macros.c')
  assert.deepEqual(
    c.macros.map((m) => `${m.name}(${m.params?.join(',') ?? '-'}) ${m.body.kind}`),
    ['SHIFT(-) expr', 'to_addr(pfn) expr', 'take_lock(d) stmts', 'PASTE(a) other'],
  )
  assert.deepEqual(
    c.structs.find((s) => s.name === 'own_dev')!.fields.map((f) => f.name),
    ['lock', 'dma', 'frame', 'map', 'flags', 'notify', 'used', 'kind', 'size'],
  )
  assert.deepEqual(
    opsOf(c).map((e) => `${e.struct}.${e.field} = ${e.func} @${e.line}`),
    [
      'vm_operations_struct.open = own_open @74',
      'vm_operations_struct.fault = own_fault @75',
      'vm_operations_struct.close = own_close @76',
      'own_driver.ops.probe = own_probe @79',
      'own_driver.remove = own_remove @80',
    ],
  )
  assert.deepEqual([...c.exports], ['own_page'])
  assert.deepEqual(
    c.invocations.map((i) => i.name),
    ['NOKPROBE_SYMBOL', 'EXPORT_SYMBOL_GPL', 'module_init', 'DEFINE_SIMPLE_ATTRIBUTE'],
  )
  assert.deepEqual(
    c.prototypes.map((p) => [p.name, p.params.length]),
    [['own_proto', 2]],
  )
  assert.deepEqual(c.includes, ['linux/fs.h', 'own.h'])
  assert.deepEqual([...c.typedefs.keys()], ['frame_t'])
})

test('both arms of an #if are kept as alternatives, pieces are counted, #if 0 is not read', () => {
  const c = fixture('arms.c')
  assert.deepEqual(
    c.functions.map((f) => [f.name, ...f.conditions]),
    [['map_it', 'CONFIG_MMU'], ['map_it', '!CONFIG_MMU'], ['both'], ['pieces']],
  )
  assert.deepEqual(callsOf(c.functions[2]!).map(calleeName), ['with_a', 'with_b', 'without', 'trace'])
  assert.deepEqual(callsOf(c.functions[3]!).map(calleeName), ['first', 'then', 'a', 'b', 'both', 'e', 'last'])
  assert.deepEqual(
    opsOf(c).map((e) => e.field),
    ['owner', 'mmap', 'compat_ioctl', 'release'],
  )
  assert.deepEqual(
    c.problems.map((p) => p.line),
    [40, 54],
  )
})

test('every node points at its text', () => {
  const c = fixture('ladder.c')
  for (const call of callsOf(c.functions[0]!)) {
    const text = c.source.text.slice(call.start, call.end)
    assert.ok(text.startsWith(`${calleeName(call)}(`) && text.endsWith(')'), text)
  }
})

test('what is broken is said, and the rest is read', () => {
  const c = parseC(
    't.c',
    'int f(void)\n{\n\tif (x\n\t\treturn 1;\n}\nint g(void) { return ok(); }\nint h(void) {',
  )
  assert.deepEqual(
    c.functions.map((f) => f.name),
    ['f', 'g', 'h'],
  )
  assert.equal(c.functions[0]!.body.problems.length > 0, true)
  assert.deepEqual(callsOf(c.functions[1]!).map(calleeName), ['ok'])
  assert.deepEqual(c.problems, [{ file: 't.c', line: 7, message: '`{` is not closed' }])
})
