// SPDX-License-Identifier: MIT
/* Faults a page in and gives nothing back: there is nothing to outlive. */
#include <linux/mm.h>

int word_fault_in(u32 __user *uaddr)
{
	struct mm_struct *mm = current->mm;
	int ret;

	mmap_read_lock(mm);
	/* holds */
	ret = fixup_user_fault(mm, (unsigned long)uaddr, FAULT_FLAG_WRITE, NULL);
	mmap_read_unlock(mm);
	return ret < 0 ? ret : 0;
}
