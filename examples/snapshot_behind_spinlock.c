// SPDX-License-Identifier: MIT
/* The page is marked and given back when the spinlock is dropped. */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

struct counter {
	spinlock_t lock;
	u64 value;
};

int counter_copy(struct counter *c, unsigned long addr)
{
	struct page *page;
	u64 *to;

	/* holds */
	if (pin_user_pages_fast(addr, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	spin_lock(&c->lock);
	to = kmap_local_page(page);
	*to = c->value;
	kunmap_local(to);
	spin_unlock(&c->lock);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return 0;
}
