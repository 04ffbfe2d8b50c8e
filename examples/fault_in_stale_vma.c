// SPDX-License-Identifier: MIT
/* The fault may drop mmap_lock, and the VMA may be gone: nobody asks. */
#include <linux/io.h>
#include <linux/mm.h>

int port_read(unsigned long uaddr, u32 *value)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	bool unlocked = false;
	spinlock_t *ptl;
	pte_t *ptep;
	int ret = -EINVAL;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, uaddr); /* finds: use-after-unlock */
	if (!vma)
		goto out;
	/* finds: use-after-unlock */
	ret = fixup_user_fault(mm, uaddr, FAULT_FLAG_WRITE, &unlocked);
	if (ret)
		goto out;
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
