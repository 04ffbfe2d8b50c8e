// SPDX-License-Identifier: MIT
/* What is asked for too much makes the size larger, and is not refused. */
#include <linux/fs.h>
#include <linux/mm.h>

struct rom {
	unsigned long base;
	unsigned long len;
};

/* finds: no-size-check */
static int rom_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rom *rom = file->private_data;
	unsigned long size = rom->len;

	if (vma->vm_end - vma->vm_start > size)
		size = vma->vm_end - vma->vm_start;
	return io_remap_pfn_range(vma, vma->vm_start, rom->base >> PAGE_SHIFT, size,
				  vma->vm_page_prot);
}

const struct file_operations rom_fops = {
	.owner = THIS_MODULE,
	.mmap = rom_mmap,
};
