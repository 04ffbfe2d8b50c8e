// SPDX-License-Identifier: MIT
/*
 * A frame grabber takes a user buffer that another driver mapped, looks up its
 * PFN, drops mmap_lock and only then copies through it. The owner may have
 * moved the buffer by then.
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
out_unlock:
	mmap_read_unlock(mm);
	if (ret)
		return ret;

	io = ioremap((phys_addr_t)pfn << PAGE_SHIFT, PAGE_SIZE);
	if (!io)
		return -ENOMEM;
	memcpy_toio(io, g->line, g->line_size);
	iounmap(io);
	return 0;
}
