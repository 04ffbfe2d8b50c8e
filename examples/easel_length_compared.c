// SPDX-License-Identifier: MIT
/* The first fault fills the mapping, as long as it is, which mmap has compared. */
#include <linux/fs.h>
#include <linux/mm.h>

struct easel {
	unsigned long base;
	unsigned long len;
};

/* holds */
static vm_fault_t easel_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct easel *c = vma->vm_private_data;
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

static const struct vm_operations_struct easel_vm_ops = {
	.fault = easel_fault,
};

/* holds */
static int easel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct easel *c = file->private_data;

	if (vma->vm_pgoff != 0 || vma->vm_end - vma->vm_start > c->len)
		return -EINVAL;
	vma->vm_private_data = c;
	vma->vm_ops = &easel_vm_ops;
	vm_flags_set(vma, VM_IO | VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

const struct file_operations easel_fops = {
	.owner = THIS_MODULE,
	.mmap = easel_mmap,
};
