import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openRevision, Program } from './index.ts'

/** A repository with one commit for each of the steps, tagged `r0`, `r1`, … */
function repository(t: TestContext, ...steps: ((root: string) => void)[]): string {
  const root = mkdtempSync(join(tmpdir(), 'tenure-git-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const git = (...args: string[]): void =>
    void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
      cwd: root,
      stdio: 'pipe',
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    })
  git('init', '--quiet')
  for (const [i, step] of steps.entries()) {
    step(root)
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '-m', `${i}`)
    git('tag', `r${i}`)
  }
  return root
}
const put = (root: string, name: string, text: string | Uint8Array): void => {
  mkdirSync(join(root, name, '..'), { recursive: true })
  writeFileSync(join(root, name), text)
}

test('each revision is read as it was, and the work tree does not matter', async (t) => {
  const root = repository(
    t,
    (r) => {
      put(r, 'Makefile', 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n')
      put(r, 'mm/a.c', 'int f(void) { return old(); }\n')
      put(r, 'mm/Makefile', 'obj-y += both.o\nboth-y := a.o b.o\n')
      put(r, 'mm/b.c', 'int b(void) { return f(); }\n')
      put(r, 'scripts/x.c', 'int x;\n')
    },
    (r) => put(r, 'mm/a.c', 'int f(void) { return new(); }\n'),
  )
  put(root, 'mm/a.c', 'nonsense')
  for (const [revision, callee] of [
    ['r0', 'old'],
    ['r1', 'new'],
  ] as const) {
    const { value, diagnostics } = await openRevision(root, revision)
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(value!.files, ['mm/a.c', 'mm/b.c'])
    assert.equal(value!.kernel?.text, '6.1.9')
    const p = new Program(value!)
    assert.deepEqual(p.filesWith(callee), ['mm/a.c'])
    assert.deepEqual(p.filesWith(callee === 'old' ? 'new' : 'old'), [])
    assert.deepEqual(p.module('mm/a.c').files, ['mm/a.c', 'mm/b.c'])
    assert.deepEqual(
      p.callers(p.definitions('f')[0]!).map((c) => c.func.name),
      ['b'],
    )
    assert.deepEqual(value!.problems, [])
  }
})

test('a link is the file that it leads to; one that leads nowhere is said', async (t) => {
  const root = repository(t, (r) => {
    put(r, 'inc/real.h', 'int real(void);\n')
    mkdirSync(join(r, 'mm'))
    symlinkSync('../inc/real.h', join(r, 'mm/link.h'))
    symlinkSync('link.h', join(r, 'mm/again.h'))
    symlinkSync('gone.h', join(r, 'mm/gone-link.h'))
    symlinkSync('loop.h', join(r, 'mm/loop.h'))
    symlinkSync('/etc/passwd.h', join(r, 'mm/out.h'))
    put(r, 'empty.c', '')
    put(r, 'wide.c', Buffer.from('int f(void) { return g("\xe9"); }', 'latin1'))
  })
  const { value } = await openRevision(root, 'r0')
  assert.deepEqual(value!.files, ['empty.c', 'inc/real.h', 'mm/again.h', 'mm/link.h', 'wide.c'])
  assert.equal(value!.text('mm/again.h'), 'int real(void);\n')
  assert.equal(value!.text('empty.c'), '')
  assert.match(value!.text('wide.c')!, /é/)
  assert.deepEqual(
    value!.problems.map((p) => p.file),
    ['mm/gone-link.h', 'mm/loop.h', 'mm/out.h'],
  )
})

test('what is not there is said in words', async (t) => {
  const root = repository(t, (r) => put(r, 'a.txt', 'no C'))
  const code = async (repo: string, revision: string): Promise<string> =>
    (await openRevision(repo, revision)).diagnostics.map((d) => d.code).join()
  assert.equal(await code(root, 'v99'), 'source/no-revision')
  assert.equal(await code(root, '--help'), 'source/no-revision')
  assert.equal(await code(root, 'r0'), 'source/no-c')
  assert.equal(await code(tmpdir(), 'HEAD'), 'source/no-repository')
})

test('more files than are kept at a time are all read', async (t) => {
  const count = 700
  const root = repository(t, (r) => {
    for (let i = 0; i < count; i++) put(r, `f${i}.c`, `int f${i}(void) { return common(${i}); }\n`)
  })
  const { value } = await openRevision(root, 'r0')
  const p = new Program(value!)
  assert.equal(p.filesWith('common').length, count)
  assert.equal(p.references('common').length, count)
})
