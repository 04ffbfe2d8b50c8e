// SPDX-License-Identifier: MIT
/*
 * The argument struct lives in the loop, the PFN does not: it is put into a
 * guest's tables after every lock is gone.
 */
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/slab.h>

struct region {
	u64 guest_pa;
	u64 host_pa;
	u64 size;
};

static inline long hyper_call(unsigned long nr, unsigned long arg)
{
	long ret;

	asm volatile("vmcall" : "=a"(ret) : "a"(nr), "D"(arg) : "memory");
	return ret;
}

static int region_add(u64 guest_pa, u64 host_pa, u64 size)
{
	struct region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	region->guest_pa = guest_pa;
	region->host_pa = host_pa;
	region->size = size;
	ret = hyper_call(0x42, virt_to_phys(region));
	kfree(region);
	return ret;
}

int guest_ram_map(u64 guest_pa, unsigned long base, unsigned long len)
{
	unsigned long first_pfn, this_pfn;
	struct vm_area_struct *vma;
	int ret = -EINVAL;
	int i, nr = len >> PAGE_SHIFT;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, base); /* holds */
	if (!vma || !(vma->vm_flags & VM_PFNMAP) || base + len > vma->vm_end) {
		mmap_read_unlock(current->mm);
		return -EINVAL;
	}
	for (i = 0; i < nr; i++) {
		struct follow_pfnmap_args args = {
			.vma = vma,
			.address = base + i * PAGE_SIZE,
		};

		/* finds: pfn-outlives-lock */
		ret = follow_pfnmap_start(&args);
		if (ret)
			break;
		this_pfn = args.pfn;
		if (i == 0)
			first_pfn = this_pfn;
		follow_pfnmap_end(&args);
		if (this_pfn != first_pfn + i) {
			ret = -EINVAL;
			break;
		}
	}
	mmap_read_unlock(current->mm);
	if (ret)
		return ret;
	return region_add(guest_pa, PFN_PHYS(first_pfn), len);
}
