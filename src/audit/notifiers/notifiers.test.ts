import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictsOf } from '../testing.ts'

const verdicts = (text: string): Promise<string[]> =>
  verdictsOf({ 'driver.c': text }, { protocols: ['notifier'] })

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

test('whoever does not ask whether it is registered unregisters what is not', async () => {
  assert.deepEqual(await verdicts(driver(asked, unregister)), ['holds'])
  assert.deepEqual(await verdicts(driver(ignored, unregister)), ['broken: notifier-not-registered'])
  assert.deepEqual(await verdicts(driver(`return mmu_notifier_register(&m->mn, mm);`, unregister)), ['holds'])
})

test('its ops are set before it is registered: they say nothing, unless they are taken back', async () => {
  const looks = `if (m->mn.ops) ${unregister}`
  assert.deepEqual(await verdicts(driver(ignored, looks)), ['broken: notifier-not-registered'])
  const back = 'ret = mmu_notifier_register(&m->mn, mm); if (ret) { m->mn.ops = NULL; return ret; } return 0;'
  assert.deepEqual(await verdicts(driver(back, looks)), ['holds'])
})

test('a lock that the callback takes may be held where it is put, not where it is waited for', async () => {
  const under = (call: string): string => `mutex_lock(&m->lock); ${call} mutex_unlock(&m->lock);`
  assert.deepEqual(await verdicts(driver(asked, under(unregister))), ['broken: notifier-deadlock'])
  assert.deepEqual(await verdicts(driver(asked, under('mmu_notifier_put(&m->mn);'))), ['holds'])
})

test('one that nobody is seen to unregister, or whose callbacks are not seen, is unknown', async () => {
  assert.deepEqual(await verdicts(driver(asked, 'm->ready = 0;')), [
    'unknown: who unregisters it is not found in the module',
  ])
  assert.deepEqual(await verdicts(driver(asked, unregister).replace('m->mn.ops = &ops;', '')), [
    'unknown: which callbacks it is registered with is not seen',
  ])
})

test('the variant that wants the mmap_lock has it from its caller, and the other takes it', async () => {
  const locked = driver('return __mmu_notifier_register(&m->mn, mm);', unregister)
  assert.deepEqual(await verdicts(locked), ['holds: the caller holds the mmap_lock for writing'])
  const twice = driver(
    `mmap_write_lock(mm); ${asked.replace('return 0;', 'mmap_write_unlock(mm); return 0;')}`,
    unregister,
  )
  assert.deepEqual(await verdicts(twice), ['broken: notifier-deadlock'])
  const before = driver(`mmap_read_lock(mm); m->ready = 1; mmap_read_unlock(mm); ${asked}`, unregister)
  assert.deepEqual(await verdicts(before), ['holds'])
})
