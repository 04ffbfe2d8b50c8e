// SPDX-License-Identifier: MIT
/* A call for each page; when one fails, those that came before it stay pinned. */
#include <linux/mm.h>

int strip_read(unsigned long addr, int nr)
{
	struct page *pages[8];
	int i, ret;

	if (nr > 8)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		/* finds: error-path-leak */
		ret = pin_user_pages_fast(addr + i * PAGE_SIZE, 1, 0, &pages[i]);
		if (ret != 1)
			return ret < 0 ? ret : -EFAULT;
	}
	for (i = 0; i < nr; i++)
		unpin_user_page(pages[i]);
	return 0;
}
