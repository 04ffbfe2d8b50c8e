// SPDX-License-Identifier: MIT
/* One reference, looked at and dropped. */
#include <linux/mm.h>

int page_is_hot(unsigned long addr)
{
	struct page *page;
	int hot;

	/* finds: unpin-instead-of-put */
	if (get_user_pages_fast(addr, 1, 0, &page) != 1)
		return -EFAULT;
	hot = PageActive(page);
	unpin_user_page(page);
	return hot;
}
