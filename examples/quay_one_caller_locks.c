// SPDX-License-Identifier: MIT
/* The call needs mmap_lock, which only one of those who call takes. */
#include <linux/mm.h>

static int quay_peek(struct mm_struct *mm, unsigned long uaddr)
{
	struct page *page;
	int got;

	/* unknown: it needs mmap_lock */
	got = get_user_pages_remote(mm, uaddr, 1, 0, &page, NULL);
	if (got <= 0)
		return got;
	put_page(page);
	return 0;
}

int quay_check(struct mm_struct *mm, unsigned long uaddr)
{
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = quay_peek(mm, uaddr);
	mmap_read_unlock(mm);
	return ret;
}

int quay_check_late(struct mm_struct *mm, unsigned long uaddr)
{
	mmap_read_lock(mm);
	mmap_read_unlock(mm);
	return quay_peek(mm, uaddr);
}
