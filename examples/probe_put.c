// SPDX-License-Identifier: MIT
/* One reference, looked at and dropped. */
#include <linux/mm.h>

int page_is_hot(unsigned long addr)
{
	struct page *page;
	int hot;

	/* holds */
	if (get_user_pages_fast(addr, 1, 0, &page) != 1)
		return -EFAULT;
	hot = PageActive(page);
	put_page(page);
	return hot;
}
