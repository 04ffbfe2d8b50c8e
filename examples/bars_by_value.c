// SPDX-License-Identifier: MIT
/* The offset selects a region; the check is in a helper that gets it by value. */
#include <linux/fs.h>
#include <linux/mm.h>

#define BAR_SHIFT 28

struct bar {
	unsigned long addr;
	unsigned long size;
};

struct card {
	struct bar bars[4];
};

/* holds */
static int map_bar(struct bar bar, struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	unsigned long pgoff = vma->vm_pgoff & ((1UL << BAR_SHIFT) - 1);
	unsigned long start = pgoff << PAGE_SHIFT;

	if (start + size > bar.size)
		return -EINVAL;
	vma->vm_pgoff = (bar.addr >> PAGE_SHIFT) + pgoff;
	return io_remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, size, vma->vm_page_prot);
}

/* holds */
static int card_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct card *card = file->private_data;
	unsigned int index = vma->vm_pgoff >> BAR_SHIFT;

	if (index >= 4)
		return -EINVAL;
	return map_bar(card->bars[index], vma);
}

const struct file_operations card_fops = {
	.owner = THIS_MODULE,
	.mmap = card_mmap,
};
