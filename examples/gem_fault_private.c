// SPDX-License-Identifier: MIT
/* A GEM object without an mmap of its own: drm_gem_mmap_obj() makes the mapping VM_PFNMAP, and refuses no private one. */
#include <drm/drm_gem.h>
#include <linux/mm.h>

struct easel {
	struct drm_gem_object base;
	phys_addr_t phys;
};

/* finds: cow-mapping */
static vm_fault_t easel_fault(struct vm_fault *vmf)
{
	struct easel *e = container_of(vmf->vma->vm_private_data, struct easel, base);
	unsigned long pfn = e->phys >> PAGE_SHIFT;

	pfn += (vmf->address - vmf->vma->vm_start) >> PAGE_SHIFT;
	return vmf_insert_pfn(vmf->vma, vmf->address, pfn);
}

static const struct vm_operations_struct easel_vm_ops = {
	.fault = easel_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

const struct drm_gem_object_funcs easel_funcs = {
	.vm_ops = &easel_vm_ops,
};
