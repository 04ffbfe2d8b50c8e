import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryTree } from './index.ts'
import { applyPatch, parsePatch } from './patch.ts'

const tree = (files: Record<string, string>): MemoryTree =>
  new MemoryTree('t', new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])))

function patched(files: Record<string, string>, patch: string) {
  const parsed = parsePatch(patch, 'p')
  if (parsed.value === undefined) return { said: parsed.diagnostics.map((d) => `${d.code}: ${d.message}`) }
  const { value, diagnostics } = applyPatch(tree(files), parsed.value, 'p')
  return {
    said: diagnostics.map((d) => `${d.code}: ${d.message}`),
    files: value && Object.fromEntries(value.tree.files.map((f) => [f, value.tree.text(f)])),
    renamed: value && [...value.renamed],
    changed: value?.changed,
  }
}

const ten = Array.from({ length: 10 }, (_, i) => `line ${i + 1};\n`).join('')
const change = (head: string, context = ['line 4;', 'line 5;', 'line 7;', 'line 8;']): string =>
  `${head} ${context[0]}\n ${context[1]}\n-line 6;\n+line six;\n ${context[2]}\n ${context[3]}\n`
const names = '--- a/x.c\n+++ b/x.c\n'

test('a mail with a commit message, a diffstat and a signature is its diff', () => {
  const mail = `From 1234 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x: y\n\n--- what was said\n+++ before\n---\n x.c | 2 +-\n\ndiff --git a/x.c b/x.c\nindex 1..2 100644\n${names}${change('@@ -4,5 +4,5 @@ int f(void)\n')}-- \n2.39\n`
  const { files, said, changed } = patched({ 'x.c': ten }, mail)
  assert.deepEqual(said, [])
  assert.equal(files!['x.c'], ten.replace('line 6', 'line six'))
  assert.deepEqual(changed, ['x.c'])
})

test('a hunk that moved, and one whose outer context differs, are found; one whose lines differ is refused', () => {
  const moved = patched({ 'x.c': `new\nnew\n${ten}` }, names + change('@@ -4,5 +4,5 @@\n'))
  assert.equal(moved.files!['x.c'], `new\nnew\n${ten.replace('line 6', 'line six')}`)
  const fuzzy = patched(
    { 'x.c': ten },
    names + change('@@ -4,5 +4,5 @@\n', ['other', 'line 5;', 'line 7;', 'other']),
  )
  assert.equal(fuzzy.files!['x.c'], ten.replace('line 6', 'line six'))
  const other = patched({ 'x.c': ten.replace('line 6', 'line VI') }, names + change('@@ -4,5 +4,5 @@\n'))
  assert.deepEqual(other.said, [
    'patch/does-not-apply: p:3: hunk 1 of 1 of x.c does not apply: line 6 is `line VI;` and not `line 6;`',
  ])
})

test('files that are new, deleted and renamed', () => {
  const { files, renamed, changed, said } = patched(
    { 'x.c': ten, 'gone.c': 'a;\n', 'Documentation/t.rst': '' },
    `diff --git a/x.c b/sub/y.c\nsimilarity index 90%\nrename from x.c\nrename to sub/y.c\n--- a/x.c\n+++ b/sub/y.c\n${change('@@ -4,5 +4,5 @@\n')}diff --git a/gone.c b/gone.c\ndeleted file mode 100644\n--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a;\ndiff --git a/n.c b/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/n.c\n@@ -0,0 +1,2 @@\n+int n;\n+int m;\n\\ No newline at end of file\ndiff --git a/t.rst b/t.rst\n--- a/t.rst\n+++ b/t.rst\n@@ -1 +1 @@\n-not there\n+t\n`,
  )
  assert.deepEqual(said, [])
  assert.deepEqual(Object.keys(files!), ['n.c', 'sub/y.c'])
  assert.equal(files!['n.c'], 'int n;\nint m;\n')
  assert.equal(files!['sub/y.c'], ten.replace('line 6', 'line six'))
  assert.deepEqual(renamed, [['x.c', 'sub/y.c']])
  assert.deepEqual(changed, ['gone.c', 'n.c', 'sub/y.c', 'x.c'])
})

test('a series changes one file twice', () => {
  const second = `${names}@@ -5,3 +5,3 @@\n line 5;\n-line six;\n+line 6 again;\n line 7;\n`
  const { files } = patched({ 'x.c': ten }, `${names}${change('@@ -4,5 +4,5 @@\n')}-- \n2.39\n\n${second}`)
  assert.equal(files!['x.c'], ten.replace('line 6', 'line 6 again'))
})

test('what cannot be read says where', () => {
  assert.deepEqual(patched({}, 'hello').said, ['patch/none: p holds no unified diff'])
  assert.match(patched({}, `${names}@@ -1,9 +1,9 @@\n a\n`).said[0]!, /^patch\/malformed: p:3: /)
  assert.match(patched({}, `${names}@@ -1,2 +1,2 @@\n a\nwrapped\n`).said[0]!, /^patch\/malformed: p:3: /)
  assert.match(patched({}, `${names}@@ -1 +1 @@\n-a\n+b\n`).said[0]!, /^patch\/no-file: p:3: it changes x.c/)
  assert.match(
    patched({ 'x.c': 'a' }, `--- /dev/null\n+++ b/x.c\n@@ -0,0 +1 @@\n+b\n`).said[0]!,
    /^patch\/exists: p:3: it creates x.c/,
  )
})

test('what git writes as a diff is applied as git means it', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tenure-patch-'))
  t.after(() => rmSync(root, { recursive: true }))
  const text = fc
    .array(fc.constantFrom('a', 'b', '-- ', '@@ -1 +1 @@', '\t x', ''), { maxLength: 30 })
    .map((l) => l.map((x) => `${x}\n`).join(''))
  fc.assert(
    fc.property(text, text, fc.integer({ min: 0, max: 3 }), (before, after, context) => {
      fc.pre(before !== after)
      writeFileSync(join(root, 'old.c'), before)
      writeFileSync(join(root, 'new.c'), after)
      let diff = ''
      try {
        execFileSync('git', ['diff', '--no-index', `-U${context}`, 'old.c', 'new.c'], {
          cwd: root,
          stdio: 'pipe',
        })
      } catch (e) {
        diff = String((e as { stdout: Buffer }).stdout)
      }
      diff = diff
        .replaceAll(/^(\+\+\+ b\/)new.c$/gm, '$1old.c')
        .replaceAll(/^(diff.*) b\/new.c$/gm, '$1 b/old.c')
      assert.deepEqual(patched({ 'old.c': readFileSync(join(root, 'old.c'), 'utf8') }, diff).files, {
        'old.c': after,
      })
    }),
    { numRuns: 60 },
  )
})
