// SPDX-License-Identifier: MIT
/*
 * mmap_lock is held over the copy, and it is not enough: it keeps the VMA, but
 * the owner of the memory takes its frames back with the page-table lock alone.
 */
#include <linux/io.h>
#include <linux/mm.h>

struct grabber {
	void *line;
	size_t line_size;
};

static long grabber_copy_line(struct grabber *g, unsigned long uaddr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long pfn;
	void __iomem *io;
	long ret = -EINVAL;

	mmap_read_lock(mm);
	vma = find_vma(mm, uaddr); /* holds */
	if (!vma || uaddr < vma->vm_start)
		goto out_unlock;
	/* finds: pfn-outlives-lock */
	ret = follow_pfn(vma, uaddr, &pfn);
	if (ret)
		goto out_unlock;
	io = ioremap((phys_addr_t)pfn << PAGE_SHIFT, PAGE_SIZE);
	if (!io) {
		ret = -ENOMEM;
		goto out_unlock;
	}
	memcpy_toio(io, g->line, g->line_size);
	iounmap(io);
out_unlock:
	mmap_read_unlock(mm);
	return ret;
}
