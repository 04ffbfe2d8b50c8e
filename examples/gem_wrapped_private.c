// SPDX-License-Identifier: MIT
/* The mmap of a GEM object sets its flags and refuses no private mapping; the vm_ops stand beside it in the table. */
#include <drm/drm_gem.h>
#include <linux/mm.h>

struct lectern {
	struct drm_gem_object base;
	struct page **pages;
	unsigned long count;
};

int lectern_get_pages(struct lectern *l);

/* finds: cow-mapping */
static vm_fault_t lectern_fault(struct vm_fault *vmf)
{
	struct lectern *l = container_of(vmf->vma->vm_private_data, struct lectern, base);
	unsigned long offset = (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;

	if (offset >= l->count)
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(l->pages[offset]));
}

static const struct vm_operations_struct lectern_vm_ops = {
	.fault = lectern_fault,
};

/* finds: cow-mapping */
static int lectern_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	int ret = lectern_get_pages(container_of(obj, struct lectern, base));

	if (ret)
		return ret;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

const struct drm_gem_object_funcs lectern_funcs = {
	.mmap = lectern_mmap,
	.vm_ops = &lectern_vm_ops,
};
