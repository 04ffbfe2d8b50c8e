// SPDX-License-Identifier: MIT
/* One page of registers, and a user who asks for two. */
#include <linux/fs.h>
#include <linux/mm.h>

struct board {
	phys_addr_t regs;
};

/* finds: no-size-check */
static int board_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct board *b = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;

	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	return io_remap_pfn_range(vma, vma->vm_start, b->regs >> PAGE_SHIFT, size,
				  vma->vm_page_prot);
}

const struct file_operations board_fops = {
	.owner = THIS_MODULE,
	.mmap = board_mmap,
};
