// SPDX-License-Identifier: MIT
/* The call needs mmap_lock, which whoever calls takes. */
#include <linux/mm.h>

static int pier_peek(struct mm_struct *mm, unsigned long uaddr)
{
	struct page *page;
	int got;

	/* holds: its callers hold mmap_lock */
	got = get_user_pages_remote(mm, uaddr, 1, 0, &page, NULL);
	if (got <= 0)
		return got;
	put_page(page);
	return 0;
}

int pier_check(struct mm_struct *mm, unsigned long uaddr)
{
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = pier_peek(mm, uaddr);
	mmap_read_unlock(mm);
	return ret;
}
