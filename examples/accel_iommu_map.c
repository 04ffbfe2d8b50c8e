// SPDX-License-Identifier: MIT
/*
 * The PFN leaves through a pointer; two callers up it is put into an IOMMU.
 * start and end are balanced, and a look at one function finds nothing wrong.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

struct accel {
	struct iommu_domain *domain;
	struct mm_struct *mm;
};

static int accel_walk(struct vm_area_struct *vma, struct mm_struct *mm, unsigned long vaddr,
		      unsigned long *pfn, bool write)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vaddr };
	int ret;

	/* finds: pfn-outlives-lock */
	ret = follow_pfnmap_start(&args);
	if (ret) {
		bool unlocked = false;

		/* holds */
		ret = fixup_user_fault(mm, vaddr, write ? FAULT_FLAG_WRITE : 0, &unlocked);
		if (unlocked)
			return -EAGAIN;
		if (ret)
			return ret;
		/* finds: pfn-outlives-lock */
		ret = follow_pfnmap_start(&args);
		if (ret)
			return ret;
	}
	*pfn = args.pfn;
	follow_pfnmap_end(&args);
	return 0;
}

static int accel_get_pfn(struct accel *a, unsigned long vaddr, unsigned long *pfn, bool write)
{
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(a->mm);
again:
	vma = vma_lookup(a->mm, vaddr); /* holds */
	if (vma && vma->vm_flags & VM_PFNMAP) {
		ret = accel_walk(vma, a->mm, vaddr, pfn, write);
		if (ret == -EAGAIN)
			goto again;
	}
	mmap_read_unlock(a->mm);
	return ret;
}

int accel_map(struct accel *a, unsigned long iova, unsigned long vaddr)
{
	unsigned long pfn;
	int ret;

	ret = accel_get_pfn(a, vaddr, &pfn, true);
	if (ret)
		return ret;
	return iommu_map(a->domain, iova, (phys_addr_t)pfn << PAGE_SHIFT, PAGE_SIZE,
			 IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
}
