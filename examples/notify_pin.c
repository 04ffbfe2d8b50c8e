// SPDX-License-Identifier: MIT
/* The kernel sets a flag in the user's page whenever it likes, until the context is closed. */
#include <linux/highmem.h>
#include <linux/mm.h>

struct context {
	struct page *page;
	u8 *flag;
};

long context_set_flag_page(struct context *c, unsigned long uva)
{
	int ret;

	if (c->page)
		return -EBUSY;
	/* holds */
	ret = pin_user_pages_fast(uva, 1, FOLL_WRITE | FOLL_LONGTERM, &c->page);
	if (ret != 1)
		return -EFAULT;
	c->flag = kmap(c->page) + offset_in_page(uva);
	return 0;
}

void context_signal(struct context *c)
{
	if (c->flag)
		*c->flag = 1;
}

void context_close(struct context *c)
{
	if (!c->page)
		return;
	kunmap(c->page);
	unpin_user_pages_dirty_lock(&c->page, 1, true);
	c->page = NULL;
	c->flag = NULL;
}
