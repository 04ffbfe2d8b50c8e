// SPDX-License-Identifier: MIT
/* The length of the user's mapping is read one line after mmap_lock. */
#include <linux/mm.h>

static int range_size(struct mm_struct *mm, unsigned long addr,
		      unsigned long *size)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	/* finds: use-after-unlock */
	vma = find_vma(mm, addr);
	if (!vma || addr < vma->vm_start) {
		mmap_read_unlock(mm);
		return -EINVAL;
	}
	mmap_read_unlock(mm);
	*size = vma->vm_end - addr;
	return 0;
}
