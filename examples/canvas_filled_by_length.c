// SPDX-License-Identifier: MIT
/* The first fault fills the mapping, as long as it is; nobody has compared how long that is. */
#include <linux/fs.h>
#include <linux/mm.h>

struct canvas {
	unsigned long base;
	unsigned long len;
};

/* finds: no-size-check */
static vm_fault_t canvas_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct canvas *c = vma->vm_private_data;
	unsigned long addr = vmf->address - (vmf->pgoff << PAGE_SHIFT);
	unsigned long pfn = c->base >> PAGE_SHIFT;
	unsigned long i, n = vma_pages(vma);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	for (i = 0; i < n; i++) {
		ret = vmf_insert_mixed(vma, addr, pfn);
		if (ret & VM_FAULT_ERROR)
			break;
		addr += PAGE_SIZE;
		pfn++;
	}
	return ret;
}

static const struct vm_operations_struct canvas_vm_ops = {
	.fault = canvas_fault,
};

/* finds: no-size-check */
static int canvas_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff != 0)
		return -EINVAL;
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &canvas_vm_ops;
	vm_flags_set(vma, VM_IO | VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

const struct file_operations canvas_fops = {
	.owner = THIS_MODULE,
	.mmap = canvas_mmap,
};
