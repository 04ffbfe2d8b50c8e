// SPDX-License-Identifier: MIT
/* What is mapped comes from a function that is not here: nobody can say how long it lives. */
#include <linux/fs.h>
#include <linux/mm.h>

struct pane {
	unsigned long size;
};

phys_addr_t pane_lent(struct pane *pane);

/* unknown: how long what it maps lives is not seen */
static int pane_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct pane *pane = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;

	if (vma->vm_pgoff != 0 || size > pane->size)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, pane_lent(pane) >> PAGE_SHIFT, size, vma->vm_page_prot);
}

const struct file_operations pane_fops = {
	.owner = THIS_MODULE,
	.mmap = pane_mmap,
};
