// SPDX-License-Identifier: MIT
/* One page: the call returns 1 or an error, and "less than zero" asks for everything. */
#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/mm.h>

int set_bit_in_user(int nr, unsigned long addr)
{
	struct page *page;
	void *base;
	int ret;

	/* holds */
	ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);
	if (ret < 0)
		return ret;
	base = kmap_local_page(page);
	set_bit(nr + offset_in_page(addr) * BITS_PER_BYTE, base);
	kunmap_local(base);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return 0;
}
