import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { calleeName, filesHolding, openTree, type Places, Program, Scanner, type Tree } from './index.ts'
import { composites } from './makefile.ts'

const fixture = fileURLToPath(new URL('../../../test/fixtures/source/module', import.meta.url))

const folder = (t: TestContext, files: Record<string, string | Uint8Array>): string => {
  const root = mkdtempSync(join(tmpdir(), 'tenure-source-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}
const open = async (path: string): Promise<Tree> => {
  const { value, diagnostics } = await openTree(path)
  assert.deepEqual(diagnostics, [])
  return value!
}
const kernel = { Makefile: 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\n' }

test('callers are those that mean this function, across files and not beyond', async () => {
  const p = new Program(await open(fixture))
  const [own, other] = p.definitions('own_get')
  assert.deepEqual([own!.file.path, other!.file.path], ['a.c', 'single.c'])
  assert.deepEqual(
    p.callers(own!).map((c) => c.func.name),
    ['own_user'],
  )
  assert.deepEqual(
    p.callers(other!).map((c) => c.func.name),
    ['single'],
  )
  const user = p.definitions('own_user')[0]!
  assert.deepEqual(
    p.resolve('helper', user.file).map((f) => f.file.path),
    ['sub/b.c'],
  )
  assert.deepEqual(
    p
      .references('own_get')
      .filter((r) => r.kind === 'macro')
      .map((r) => r.kind === 'macro' && r.macro.name),
    ['own_get_checked'],
  )
})

test('a function is found where its name is kept: ops tables, fields, callbacks, initcalls', async () => {
  const p = new Program(await open(fixture))
  const kinds = async (name: string): Promise<string[]> =>
    p.references(name).map((r) => {
      switch (r.kind) {
        case 'ops':
          return `ops ${r.entry.struct}.${r.entry.field} of ${r.entry.table}`
        case 'argument':
          return `argument ${r.index} of ${calleeName(r.call)}`
        case 'assign':
          return `assign in ${r.func.name}`
        case 'invocation':
          return r.macro
        default:
          return r.kind
      }
    })
  assert.deepEqual(await kinds('own_fault'), [
    'assign in own_init',
    'ops vm_operations_struct.fault of own_vm_ops',
  ])
  assert.deepEqual(await kinds('own_work'), ['argument 1 of INIT_WORK'])
  assert.deepEqual(await kinds('own_init'), ['module_init'])
  assert.deepEqual(
    p.implementations('vm_operations_struct', 'fault').map((e) => e.func),
    ['own_fault'],
  )
})

test('who fills a field is found however it is written, and a file that cannot say it is not parsed', async (t) => {
  const table = (item: string): string => `static const struct own_ops own_table = { ${item} };\n`
  const tree = await open(
    folder(t, {
      'array.c': 'struct own_ops tables[] = { [0] = { .get = array_get }, [1] = { .put = array_get } };\n',
      'cast.c': 'struct own_ops x = (struct own_ops){ .get = &cast_get };\n',
      'comment.c': table('. /* why * not **/ // really. yes\n\tget /* so */ = comment_get'),
      'macro.h': table('.get = (get_fn)macro_get'),
      'old.c': table('get /* as it was */ : old_get'),
      // None of these fills it, and only the first has to be parsed to tell.
      'other.c': 'struct other_ops o = { .get = other_get };\nstruct own_ops *of(void);\n',
      'calls.c': 'int f(struct own_ops *o) { return o->get(o) + array_get(); }\n',
      'talks.c': '/* struct own_ops. What they get. */\nint array_get(void);\n',
    }),
  )
  const p = new Program(tree)
  const who = (func?: string): string[] => p.implementations('own_ops', 'get', func).map((e) => e.func)
  assert.deepEqual(who('array_get'), ['array_get'])
  assert.deepEqual(who('other_get'), [])
  assert.deepEqual([...p.seen.keys()], ['array.c', 'other.c'])
  assert.deepEqual(who(), ['array_get', 'cast_get', 'comment_get', 'macro_get', 'old_get'])
  assert.deepEqual(
    [...p.seen.keys()].sort(),
    tree.files.filter((f) => !['calls.c', 'talks.c'].includes(f)),
  )
})

test('files that the Makefile links are one module', async () => {
  const p = new Program(await open(fixture))
  assert.deepEqual(p.module('sub/b.c'), { name: 'own', files: ['a.c', 'sub/b.c'], by: 'makefile' })
  assert.deepEqual(p.module('single.c'), { name: 'single', files: ['single.c'], by: 'makefile' })
  assert.deepEqual(
    composites('obj-y := x.o\nx-objs = a.o \\\n  b.o\nifdef Z\nx-$(Z) += c.o\nendif\nccflags-y += -Dd.o\n'),
    {
      modules: [{ name: 'x', objects: ['a.o', 'b.o', 'c.o'] }],
      single: [],
    },
  )
})

test('a file that is dropped from memory is read again and means the same', async (t) => {
  const root = folder(
    t,
    Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}.c`, `int f${i}(void) { return g(); }\n`])),
  )
  const p = new Program(await open(root), { keep: 64 })
  const before = p.definitions('f0')[0]!
  for (let i = 0; i < 9; i++) p.definitions(`f${i}`)
  const again = p.file('f0.c')!.functions[0]!
  assert.notEqual(again, before)
  assert.equal(again.start, before.start)
  assert.deepEqual([...p.seen.values()], Array(9).fill(1))
})

test('words are found whole, and the same with and without threads', async (t) => {
  const files: Record<string, string> = {}
  for (let i = 0; i < 450; i++)
    files[`d${i % 7}/f${i}.c`] = `/* pad ${'x'.repeat(i)} */ int a${i}; int common_${i % 3};\n`
  files['d0/hit.c'] = 'int follow_it(void); int xfollow_it, follow_it_x;'
  files['d0/no.c'] = 'int xfollow_it, follow_it_x;'
  const tree = await open(folder(t, files))
  const words = ['follow_it', 'follow_it_x', 'common_1', 'a7', 'a44', 'nowhere', 'int']
  const answers: Map<string, Places>[] = []
  for (const threads of [0, 1, 2]) {
    const s = new Scanner(tree, { threads })
    if (threads > 0) await s.ready()
    answers.push(new Map(words.map((w) => [w, s.find(w)])))
    await s.close()
  }
  assert.deepEqual(answers[0]!.get('follow_it')!.files, ['d0/hit.c'])
  assert.equal(answers[0]!.get('common_1')!.files.length, 150)
  assert.deepEqual(answers[0]!.get('follow_it_x')!.files, ['d0/hit.c', 'd0/no.c'])
  assert.deepEqual(answers[0]!.get('nowhere')!.files, [])
  assert.equal(answers[0]!.get('int')!.files.length, 452)
  for (const a of answers) assert.deepEqual(a, answers[0])
  // So does a search for these words alone, in threads, and where one of them is too short for it.
  for (const some of [words.filter((w) => w.length > 3), words.filter((w) => w.length > 1), words.slice(-1)])
    assert.deepEqual(await filesHolding(tree, some), new Map(some.map((w) => [w, answers[0]!.get(w)!.files])))
})

test('a definition, a macro and a use are told apart by their lines', async (t) => {
  const tree = await open(
    folder(t, {
      'a.c': 'int own(void)\n{\n\treturn 0;\n}\n',
      'b.c': 'int b(void) {\n\treturn own();\n}\n',
      'c.h': '#define C own()\n',
      'd.h': '/*\n * own() is nice\n */\n',
      'e.h': 'struct own {\n};\n',
      'f.h': '# define own 1\n',
      'g.h': '#include <linux/own.h>\n',
    }),
  )
  const s = new Scanner(tree)
  const places = s.find('own')
  assert.deepEqual(places, {
    files: ['a.c', 'b.c', 'c.h', 'd.h', 'e.h', 'f.h', 'g.h'],
    outermost: ['a.c', 'e.h'],
    defines: ['f.h'],
    braced: ['e.h'],
  })
})

test('structs and macros are found in the headers that a file includes', async (t) => {
  const tree = await open(
    folder(t, {
      'include/linux/a.h': 'struct own {\n\tint far;\n};\n#define OWN 1\n',
      'd/a.h': 'struct own {\n\tint near;\n};\n#define OWN 2\n',
      'd/a.c': '#include "a.h"\nstruct own *x;\n',
      'e/b.c': '#include <linux/a.h>\n',
    }),
  )
  const p = new Program(tree)
  const near = p.file('d/a.c')!
  const far = p.file('e/b.c')!
  assert.deepEqual(
    [p.struct('own', near)?.fields[0]?.name, p.struct('own', far)?.fields[0]?.name],
    ['near', 'far'],
  )
  assert.deepEqual([p.macro('OWN', far)?.text, p.struct('nothing', far)], ['1', undefined])
})

test('a kernel tree says its version and leaves out what is not the kernel', async (t) => {
  const root = folder(t, {
    ...kernel,
    'mm/a.c': '',
    'tools/b.c': '',
    'scripts/c.h': '',
    'include/linux/d.h': '',
    'samples/e.c': '',
  })
  const tree = await open(root)
  assert.equal(tree.kernel?.text, '6.12.3')
  assert.deepEqual(tree.files, ['include/linux/d.h', 'mm/a.c', 'samples/e.c'])
})

test('a directory that is no kernel tree is read whole', async (t) => {
  const tree = await open(folder(t, { 'tools/b.c': '', 'x.c': '' }))
  assert.deepEqual([tree.kernel, tree.files], [undefined, ['tools/b.c', 'x.c']])
})

test('what cannot be read is a problem of that file', async (t) => {
  const root = folder(t, {
    'binary.c': new Uint8Array([1, 0, 2]),
    'latin.c': Buffer.from('int f(void) { return g("\xe9"); }', 'latin1'),
    'gone.c': 'x',
    'shut.c': 'x',
  })
  symlinkSync('.', join(root, 'loop'))
  symlinkSync('nowhere.c', join(root, 'dangling.c'))
  symlinkSync('round.c', join(root, 'round.c'))
  chmodSync(join(root, 'shut.c'), 0)
  const tree = await open(root)
  assert.deepEqual(tree.files, ['binary.c', 'gone.c', 'latin.c', 'shut.c'])
  rmSync(join(root, 'gone.c'))
  const p = new Program(tree)
  assert.deepEqual(
    p.file('latin.c')!.functions.map((f) => f.name),
    ['f'],
  )
  assert.equal(p.file('binary.c'), undefined)
  assert.equal(p.file('gone.c'), undefined)
  assert.deepEqual(tree.problems, [
    { file: 'dangling.c', message: 'the link leads nowhere: it is not there' },
    { file: 'round.c', message: 'the link leads nowhere: too many symbolic links' },
    { file: 'binary.c', message: 'the file is binary' },
    { file: 'gone.c', message: 'the file cannot be read: it is not there' },
  ])
  assert.deepEqual(p.filesWith('f'), ['latin.c'])
})

test('a file that goes before it is scanned is a problem, also when threads scan', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}.c`, `int f${i};`]))
  const root = folder(t, files)
  const tree = await open(root)
  rmSync(join(root, 'f123.c'))
  const p = new Program(tree)
  t.after(() => p.close())
  assert.deepEqual(p.filesWith('f123'), [])
  assert.deepEqual(p.filesWith('f124'), ['f124.c'])
  assert.deepEqual(tree.problems, [{ file: 'f123.c', message: 'the file cannot be read: it is not there' }])
})

const archive = async (files: Record<string, string>): Promise<Buffer> => {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content)
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const c of tar) chunks.push(c as Uint8Array)
  return Buffer.concat(chunks)
}

test('a tarball is read like the directory it was made of', async (t) => {
  const long = `int big(void) { return ${'one() + '.repeat(2000)}two(); }`
  const tar = await archive({
    'linux-6/Makefile': kernel.Makefile,
    'linux-6/mm/a.c': long,
    'linux-6/tools/x.c': 'int x;',
    'linux-6/mm/Makefile': 'obj-y += a.o',
    'linux-6/mm/t.txt': 'no',
  })
  const root = folder(t, { 'a.tar': tar, 'a.tar.gz': gzipSync(tar) })
  for (const name of ['a.tar', 'a.tar.gz']) {
    const tree = await open(join(root, name))
    assert.deepEqual([tree.kind, tree.kernel?.text, tree.files], ['archive', '6.12.3', ['mm/a.c']])
    assert.equal(tree.text('mm/a.c'), long)
    const p = new Program(tree)
    assert.deepEqual(p.filesWith('two'), ['mm/a.c'])
    assert.equal(p.module('mm/a.c').by, 'makefile')
  }
})

test('a tarball that is damaged is refused with the reason', async (t) => {
  const tar = await archive({ 'l/a.c': 'int a;'.repeat(5000) })
  const root = folder(t, {
    'cut.tar.gz': gzipSync(tar).subarray(0, 60),
    'cut.tar': tar.subarray(0, 3000),
    'no.tar.xz': 'not xz',
    'x.c.zst.tar.zst': '',
  })
  for (const name of ['cut.tar.gz', 'cut.tar', 'no.tar.xz']) {
    const { value, diagnostics } = await openTree(join(root, name))
    assert.equal(value, undefined, name)
    assert.match(diagnostics[0]!.code, /source\/(corrupt-archive|no-xz)/, name)
  }
  assert.equal((await openTree(join(root, 'x.c.zst.tar.zst'))).diagnostics[0]!.code, 'source/unsupported')
  assert.equal((await openTree(join(root, 'none'))).diagnostics[0]!.code, 'source/unreadable')
})

test('a directory without C is refused', async (t) => {
  const root = folder(t, { 'a.txt': '' })
  assert.equal((await openTree(root)).diagnostics[0]!.code, 'source/no-c')
})

test('an abort ends the opening at once', async (t) => {
  const root = folder(t, { 'a.c': '' })
  await assert.rejects(openTree(root, { signal: AbortSignal.abort() }), { name: 'AbortError' })
})
