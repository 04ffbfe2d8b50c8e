// SPDX-License-Identifier: MIT
/* The same with one question asked: when the lock was dropped, look again. */
#include <linux/io.h>
#include <linux/mm.h>

int port_read(unsigned long uaddr, u32 *value)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool unlocked = false;
	spinlock_t *ptl;
	pte_t *ptep;
	int ret;

	mmap_read_lock(mm);
again:
	ret = -EINVAL;
	unlocked = false;
	vma = vma_lookup(mm, uaddr); /* holds */
	if (!vma)
		goto out;
	/* holds */
	ret = fixup_user_fault(mm, uaddr, FAULT_FLAG_WRITE, &unlocked);
	if (ret)
		goto out;
	if (unlocked)
		goto again;
	/* holds */
	ret = follow_pte(vma->vm_mm, uaddr, &ptep, &ptl);
	if (ret)
		goto out;
	*value = readl((void __iomem *)(pte_pfn(*ptep) << PAGE_SHIFT));
	pte_unmap_unlock(ptep, ptl);
out:
	mmap_read_unlock(mm);
	return ret;
}
