// SPDX-License-Identifier: MIT
/* A table in memory is filled without asking; that its notifier clears it says what it is. */
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

struct mirror {
	struct mmu_interval_notifier mni;
	struct mm_struct *mm;
	struct mutex lock;
	unsigned long *pfns;
	unsigned long first;
	u64 *table;
	int count;
};

static bool mirror_invalidate(struct mmu_interval_notifier *mni,
			      const struct mmu_notifier_range *range, unsigned long seq)
{
	struct mirror *m = container_of(mni, struct mirror, mni);
	int i;

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&m->lock);
	mmu_interval_set_seq(mni, seq);
	for (i = 0; i < m->count; i++)
		m->table[i] = 0;
	mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {
	.invalidate = mirror_invalidate,
};

int mirror_open(struct mirror *m, unsigned long start, unsigned long len)
{
	mutex_init(&m->lock);
	/* holds */
	return mmu_interval_notifier_insert(&m->mni, m->mm, start, len, &mirror_ops);
}

void mirror_close(struct mirror *m)
{
	mmu_interval_notifier_remove(&m->mni);
}

int mirror_fill(struct mirror *m)
{
	struct hmm_range range = {
		.notifier = &m->mni,
		.start = m->first,
		.end = m->first + m->count * PAGE_SIZE,
		.hmm_pfns = m->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int i, ret;

again:
	range.notifier_seq = mmu_interval_read_begin(range.notifier);
	mmap_read_lock(m->mm);
	/* finds: notifier-without-retry */
	ret = hmm_range_fault(&range);
	mmap_read_unlock(m->mm);
	if (ret == -EBUSY)
		goto again;
	if (ret)
		return ret;

	mutex_lock(&m->lock);
	for (i = 0; i < m->count; i++)
		m->table[i] = (m->pfns[i] << PAGE_SHIFT) | 1;
	mutex_unlock(&m->lock);
	return 0;
}
