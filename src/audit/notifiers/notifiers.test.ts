import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTree, Program } from '../../source/index.ts'
import { audit } from '../index.ts'

/** `broken: CLASS`, `holds`, `unknown: REASON` of every site, in the order of the text. */
async function verdicts(t: TestContext, text: string): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-notifier-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'driver.c'), text)
  const { value } = await openTree(dir)
  const program = new Program(value!)
  const { sites } = await audit(program, {
    treeKernel: undefined,
    kernel: '7.2',
    protocols: ['notifier'],
    version: 'test',
    path: dir,
  })
  await program.close()
  return sites.map((s) =>
    s.verdict === 'broken'
      ? `broken: ${s.classes.join()}`
      : s.verdict === 'holds'
        ? `holds${s.contract === undefined ? '' : `: ${s.contract}`}`
        : `unknown: ${s.reason}`,
  )
}

const driver = (register: string, release: string): string => `
struct mapping { struct mmu_notifier mn; struct mutex lock; int ready; };
static int gone(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mapping *m = container_of(mn, struct mapping, mn);

	mutex_lock(&m->lock);
	zap_vma_ptes(m, range->start, range->end);
	mutex_unlock(&m->lock);
	return 0;
}
static const struct mmu_notifier_ops ops = { .invalidate_range_start = gone };
int bind(struct mapping *m, struct mm_struct *mm)
{
	int ret;

	m->mn.ops = &ops;
	${register}
}
void unbind(struct mapping *m)
{
	${release}
}`
const asked = 'ret = mmu_notifier_register(&m->mn, mm); if (ret) return ret; return 0;'
const ignored = 'mmu_notifier_register(&m->mn, mm); return 0;'
const unregister = 'mmu_notifier_unregister(&m->mn, m->mn.mm);'

test('whoever does not ask whether it is registered unregisters what is not', async (t) => {
  assert.deepEqual(await verdicts(t, driver(asked, unregister)), ['holds'])
  assert.deepEqual(await verdicts(t, driver(ignored, unregister)), ['broken: notifier-not-registered'])
  assert.deepEqual(await verdicts(t, driver(`return mmu_notifier_register(&m->mn, mm);`, unregister)), [
    'holds',
  ])
})

test('its ops are set before it is registered: they say nothing, unless they are taken back', async (t) => {
  const looks = `if (m->mn.ops) ${unregister}`
  assert.deepEqual(await verdicts(t, driver(ignored, looks)), ['broken: notifier-not-registered'])
  const back = 'ret = mmu_notifier_register(&m->mn, mm); if (ret) { m->mn.ops = NULL; return ret; } return 0;'
  assert.deepEqual(await verdicts(t, driver(back, looks)), ['holds'])
})

test('a lock that the callback takes may be held where it is put, not where it is waited for', async (t) => {
  const under = (call: string): string => `mutex_lock(&m->lock); ${call} mutex_unlock(&m->lock);`
  assert.deepEqual(await verdicts(t, driver(asked, under(unregister))), ['broken: notifier-deadlock'])
  assert.deepEqual(await verdicts(t, driver(asked, under('mmu_notifier_put(&m->mn);'))), ['holds'])
})

test('one that nobody is seen to unregister, or whose callbacks are not seen, is unknown', async (t) => {
  assert.deepEqual(await verdicts(t, driver(asked, 'm->ready = 0;')), [
    'unknown: who unregisters it is not found in the module',
  ])
  assert.deepEqual(await verdicts(t, driver(asked, unregister).replace('m->mn.ops = &ops;', '')), [
    'unknown: which callbacks it is registered with is not seen',
  ])
})

test('the variant that wants the mmap_lock has it from its caller, and the other takes it', async (t) => {
  const locked = driver('return __mmu_notifier_register(&m->mn, mm);', unregister)
  assert.deepEqual(await verdicts(t, locked), ['holds: the caller holds the mmap_lock for writing'])
  const twice = driver(
    `mmap_write_lock(mm); ${asked.replace('return 0;', 'mmap_write_unlock(mm); return 0;')}`,
    unregister,
  )
  assert.deepEqual(await verdicts(t, twice), ['broken: notifier-deadlock'])
  const before = driver(`mmap_read_lock(mm); m->ready = 1; mmap_read_unlock(mm); ${asked}`, unregister)
  assert.deepEqual(await verdicts(t, before), ['holds'])
})
