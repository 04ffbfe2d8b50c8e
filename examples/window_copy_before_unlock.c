// SPDX-License-Identifier: MIT
/* The same window, written while the page-table lock keeps the PTE as it is. */
#include <linux/io.h>
#include <linux/mm.h>

static long window_write(void *buf, size_t len, unsigned long uaddr)
{
	struct vm_area_struct *vma;
	void __iomem *win;
	spinlock_t *ptl;
	pte_t *ptep;
	long ret;

	mmap_read_lock(current->mm);
	ret = -EINVAL;
	vma = vma_lookup(current->mm, uaddr); /* holds */
	if (!vma)
		goto out;
	/* holds */
	ret = follow_pte(vma->vm_mm, uaddr, &ptep, &ptl);
	if (ret)
		goto out;
	win = (void __iomem *)(pte_pfn(*ptep) << PAGE_SHIFT);
	memcpy_toio(win, buf, len);
	pte_unmap_unlock(ptep, ptl);
out:
	mmap_read_unlock(current->mm);
	return ret;
}
