// SPDX-License-Identifier: MIT
/* What WARN_ON() says cannot be is no way of the code: no page is lost on it. */
#include <linux/mm.h>

struct archive {
	unsigned int nr;
};

static int archive_sum(struct archive *a, unsigned long uaddr, u32 *sum)
{
	struct page *pages[4];
	int i, got;

	/* holds */
	got = pin_user_pages_fast(uaddr, 4, 0, pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	if (WARN_ON_ONCE(a->nr == 0))
		return -EINVAL;
	for (i = 0; i < got; i++)
		*sum += *(u32 *)page_address(pages[i]);
	unpin_user_pages(pages, got);
	return 0;
}
