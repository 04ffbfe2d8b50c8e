// SPDX-License-Identifier: MIT
/* As in archive_warned_count.c, but the question may be answered either way. */
#include <linux/mm.h>

struct ledger {
	unsigned int nr;
};

static int ledger_sum(struct ledger *a, unsigned long uaddr, u32 *sum)
{
	struct page *pages[4];
	int i, got;

	/* finds: error-path-leak */
	got = pin_user_pages_fast(uaddr, 4, 0, pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	if (a->nr == 0)
		return -EINVAL;
	for (i = 0; i < got; i++)
		*sum += *(u32 *)page_address(pages[i]);
	unpin_user_pages(pages, got);
	return 0;
}
