// SPDX-License-Identifier: MIT
/* The pages go out through a function pointer that nobody here fills. */
#include <linux/mm.h>

struct sink_ops {
	int (*take)(void *ctx, struct page *page);
};

int feed(const struct sink_ops *ops, void *ctx, unsigned long addr)
{
	struct page *page;

	/* unknown: it is given to a function pointer() */
	if (pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &page) != 1)
		return -EFAULT;
	return ops->take(ctx, page);
}
