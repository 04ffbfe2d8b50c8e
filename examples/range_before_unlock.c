// SPDX-License-Identifier: MIT
/* The length is read under the lock; only the number goes on. */
#include <linux/mm.h>

static int range_length(struct mm_struct *mm, unsigned long addr,
			unsigned long *size)
{
	struct vm_area_struct *vma;
	int ret = -EINVAL;

	mmap_read_lock(mm);
	/* holds */
	vma = find_vma(mm, addr);
	if (vma && addr >= vma->vm_start) {
		*size = vma->vm_end - addr;
		ret = 0;
	}
	mmap_read_unlock(mm);
	return ret;
}
