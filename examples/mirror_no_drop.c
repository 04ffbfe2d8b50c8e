// SPDX-License-Identifier: MIT
/* The fault path asks, but the notifier leaves the device its mapping. */
#include <linux/dma-mapping.h>
#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

struct mirror {
	struct mmu_interval_notifier mni;
	struct mm_struct *mm;
	struct mutex lock;
	struct device *dev;
	dma_addr_t entry;
};

static bool mirror_invalidate(struct mmu_interval_notifier *mni,
			      const struct mmu_notifier_range *range, unsigned long seq)
{
	struct mirror *m = container_of(mni, struct mirror, mni);

	if (!mmu_notifier_range_blockable(range))
		return false;
	mutex_lock(&m->lock);
	mmu_interval_set_seq(mni, seq);
	mutex_unlock(&m->lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {
	.invalidate = mirror_invalidate,
};

int mirror_open(struct mirror *m, unsigned long start, unsigned long len)
{
	mutex_init(&m->lock);
	/* finds: notifier-without-retry */
	return mmu_interval_notifier_insert(&m->mni, m->mm, start, len, &mirror_ops);
}

void mirror_close(struct mirror *m)
{
	mmu_interval_notifier_remove(&m->mni);
}

int mirror_fault(struct mirror *m, unsigned long addr)
{
	unsigned long pfn;
	struct hmm_range range = {
		.notifier = &m->mni,
		.start = addr,
		.end = addr + PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int ret;

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
	if (mmu_interval_read_retry(range.notifier, range.notifier_seq)) {
		mutex_unlock(&m->lock);
		goto again;
	}
	m->entry = dma_map_page(m->dev, hmm_pfn_to_page(pfn), 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	mutex_unlock(&m->lock);
	return 0;
}
