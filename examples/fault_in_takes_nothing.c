// SPDX-License-Identifier: MIT
/* Without an array nothing is taken: the pages are only faulted in. */
#include <linux/mm.h>
#include <linux/sched/mm.h>

void prefault(struct mm_struct *mm, unsigned long addr)
{
	int locked = 1;

	if (!mmget_not_zero(mm))
		return;
	mmap_read_lock(mm);
	/* holds */
	get_user_pages_remote(mm, addr, 1, FOLL_WRITE, NULL, &locked);
	if (locked)
		mmap_read_unlock(mm);
	mmput(mm);
}
