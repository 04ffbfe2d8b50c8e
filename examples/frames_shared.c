// SPDX-License-Identifier: MIT
/* vmf_insert_pfn() in a private mapping that may be written is a BUG(). */
#include <linux/fs.h>
#include <linux/mm.h>

struct frames {
	unsigned long nr;
	unsigned long pfn;
};

/* holds */
static vm_fault_t frames_fault(struct vm_fault *vmf)
{
	struct frames *f = vmf->vma->vm_private_data;

	if (vmf->pgoff >= f->nr)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, f->pfn + vmf->pgoff);
}

static const struct vm_operations_struct frames_vm_ops = {
	.fault = frames_fault,
};

/* holds */
static int frames_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &frames_vm_ops;
	return 0;
}

const struct file_operations frames_fops = {
	.owner = THIS_MODULE,
	.mmap = frames_mmap,
};
