// SPDX-License-Identifier: MIT
/* What is asked for too much is cut, and the cut size is mapped. */
#include <linux/fs.h>
#include <linux/mm.h>

struct rom {
	unsigned long base;
	unsigned long len;
};

/* holds */
static int rom_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rom *rom = file->private_data;
	unsigned long size = min(vma->vm_end - vma->vm_start, rom->len);

	return io_remap_pfn_range(vma, vma->vm_start, rom->base >> PAGE_SHIFT, size,
				  vma->vm_page_prot);
}

const struct file_operations rom_fops = {
	.owner = THIS_MODULE,
	.mmap = rom_mmap,
};
