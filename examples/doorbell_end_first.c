// SPDX-License-Identifier: MIT
/* follow_pfnmap_end() stands before the store: the look-up is over by then. */
#include <linux/io.h>
#include <linux/mm.h>

static int doorbell_ring(unsigned long uaddr, u32 value)
{
	struct follow_pfnmap_args args = { .address = uaddr };
	void __iomem *reg;
	int ret;

	mmap_read_lock(current->mm);
	args.vma = vma_lookup(current->mm, uaddr); /* holds */
	if (!args.vma) {
		ret = -EINVAL;
		goto unlock;
	}
	/* finds: pfn-outlives-lock */
	ret = follow_pfnmap_start(&args);
	if (ret)
		goto unlock;
	reg = (void __iomem *)(args.pfn << PAGE_SHIFT);
	follow_pfnmap_end(&args);
	writel(value, reg);
unlock:
	mmap_read_unlock(current->mm);
	return ret;
}
