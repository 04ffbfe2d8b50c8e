// SPDX-License-Identifier: MIT
/* The lock is the caller's: the function says so, and its one caller does. */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

static int flag_write(struct mm_struct *mm, unsigned long addr, u8 value)
{
	struct page *page;
	u8 *p;

	mmap_assert_locked(mm);
	/* holds */
	if (pin_user_pages_remote(mm, addr, 1, FOLL_WRITE | FOLL_NOFAULT, &page, NULL) != 1)
		return -EFAULT;
	p = kmap_local_page(page);
	p[offset_in_page(addr)] = value;
	kunmap_local(p);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return 0;
}

int flag_set(struct mm_struct *mm, unsigned long addr)
{
	int ret;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmap_read_lock(mm);
	ret = flag_write(mm, addr, 1);
	mmap_read_unlock(mm);
	mmput(mm);
	return ret;
}
