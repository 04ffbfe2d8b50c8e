// SPDX-License-Identifier: MIT
/* The size is checked at mmap; mremap() can make more of it. */
#include <linux/fs.h>
#include <linux/mm.h>

#define RING_PAGES 8

struct ring {
	struct page *pages[RING_PAGES];
};

/* holds */
static vm_fault_t ring_fault(struct vm_fault *vmf)
{
	struct ring *r = vmf->vma->vm_private_data;

	vmf->page = r->pages[vmf->pgoff];
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct ring_vm_ops = {
	.fault = ring_fault,
};

/* holds */
static int ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff >= RING_PAGES || vma_pages(vma) > RING_PAGES - vma->vm_pgoff)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND);
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &ring_vm_ops;
	return 0;
}

const struct file_operations ring_fops = {
	.owner = THIS_MODULE,
	.mmap = ring_mmap,
};
