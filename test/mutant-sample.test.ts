import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { kinds, mutantsOf } from './mutate.ts'

/*
 * `npm run mutants` breaks the model line by line and takes long. Here: that the operators find what they are meant to find, and that a few mutants
 * of each kind, of the kind of mistake that people make, are noticed by the corpus.
 */

const sample = `export const x = op({
    steps: {
        split(k, me) {
            if (!lock(k, mmap_lock(k, mm), me.thread))
                return blocked;
            if (k.has('gup-unshare')) {
                page.refcount += 1;
                k.page(pfn).pins -= 1;
                return k.done();
            }
            mmap_unlock(k, mm, me.thread);
            k.violate('use-after-free', 'x');
            k.violate('model-bound', 'x');
            const page = k.page(pfn);
            k.call(a, 'b',
                c);
            return k.done(0);
        },
`

test('checks are skipped, statements dropped, changes of versions asked both ways, and nothing else', () => {
  const found = [...mutantsOf('x.js', sample)].map((m) => `${m.line} ${m.what}`)
  assert.deepEqual(found, ['4 skip', '6 skip', '6 yes', '6 no', '7 drop', '8 drop', '11 drop', '12 drop'])
  for (const m of mutantsOf('x.js', sample)) {
    assert.notEqual(m.text, sample)
    assert.equal(m.text.split('\n').length, sample.split('\n').length)
  }
  assert.deepEqual(Object.keys(kinds).sort(), ['drop', 'no', 'skip', 'yes'])
})

test('a few mutants are noticed: a lock, a flush, a recheck, a reference, a version', () => {
  const only = (
    [
      ['ops/munmap', 'skip', 'if (!lock(k, mmap_lock(k, mm), me.thread))'],
      ['ops/mmu_notifier_invalidate_range_start', 'drop', 'mm.active_invalidate_ranges += 1;'],
      ['ops/gup_fast', 'drop', 'page.pins -= 1;'],
      ['mm/frames', 'drop', 'page.refcount -= 1;'],
      ['ops/gup_fast', 'no', "if (anon && k.has('gup-unshare') && !k.page(page).exclusive)"],
    ] as const
  ).map(([file, what, was]) => {
    const path = `dist/src/kernel/${file}.js`
    const mutant = [...mutantsOf(path, readFileSync(path, 'utf8'))].find(
      (m) => m.what === what && m.was === was,
    )
    assert.ok(mutant, `${file} has no ${was} any more`)
    return `src/kernel/${file}.js:${mutant.line}:${what}`
  })
  const args = ['tools/mutants.mjs', ...only.flatMap((o) => ['--only', o])]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  assert.match(stdout, /5 mutants, 5 noticed/)
})
