// SPDX-License-Identifier: MIT
/* A call for each page; what came before one that fails is given back. */
#include <linux/mm.h>

struct strip {
	struct page *pages[8];
	int nr;
};

int strip_read(struct strip *strip, unsigned long addr)
{
	struct page *page;
	int i, ret;

	for (i = 0; i < strip->nr; i++) {
		/* holds */
		ret = pin_user_pages_fast(addr + i * PAGE_SIZE, 1, 0, &page);
		if (ret != 1) {
			ret = ret < 0 ? ret : -EFAULT;
			goto out;
		}
		strip->pages[i] = page;
	}
	for (i = 0; i < strip->nr; i++)
		flush_dcache_page(strip->pages[i]);
	ret = 0;
	i = strip->nr;
out:
	while (i--)
		unpin_user_page(strip->pages[i]);
	return ret;
}
