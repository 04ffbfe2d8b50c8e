// SPDX-License-Identifier: MIT
/* With an mmap of its own, which refuses private mappings before any fault. */
#include <drm/drm_gem.h>
#include <linux/mm.h>

struct desk {
	struct drm_gem_object base;
	phys_addr_t phys;
};

/* holds: drm_gem_mmap_obj() has checked the length */
static vm_fault_t desk_fault(struct vm_fault *vmf)
{
	struct desk *e = container_of(vmf->vma->vm_private_data, struct desk, base);
	unsigned long pfn = e->phys >> PAGE_SHIFT;

	pfn += (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;
	return vmf_insert_pfn(vmf->vma, vmf->address, pfn);
}

static const struct vm_operations_struct desk_vm_ops = {
	.fault = desk_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

/* holds: drm_gem_mmap_obj() has checked the length */
static int desk_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	if (is_cow_mapping(vma->vm_flags))
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}

const struct drm_gem_object_funcs desk_funcs = {
	.mmap = desk_mmap,
	.vm_ops = &desk_vm_ops,
};
