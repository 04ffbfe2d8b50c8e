// SPDX-License-Identifier: MIT
/* The error path drops the page, and so does what comes after it. */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

int snapshot(unsigned long addr, void **copy)
{
	struct page *page;
	void *from;
	int ret = 0;

	/* finds: double-put */
	if (get_user_pages_fast(addr, 1, 0, &page) != 1)
		return -EFAULT;
	*copy = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!*copy) {
		put_page(page);
		ret = -ENOMEM;
		goto put;
	}
	from = kmap_local_page(page);
	memcpy(*copy, from, PAGE_SIZE);
	kunmap_local(from);
put:
	put_page(page);
	return ret;
}
