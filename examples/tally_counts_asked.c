// SPDX-License-Identifier: MIT
/* Too few came: as many as were asked for are given back. */
#include <linux/highmem.h>
#include <linux/mm.h>

int tally_sum(unsigned long addr, int nr, struct page **pages)
{
	int i, got, sum = 0;

	/* finds: over-unpin */
	got = get_user_pages_fast(addr, nr, 0, pages);
	if (got < nr) {
		while (nr--)
			put_page(pages[nr]);
		return -EFAULT;
	}
	for (i = 0; i < nr; i++) {
		unsigned char *p = kmap_local_page(pages[i]);

		sum += p[0];
		kunmap_local(p);
		put_page(pages[i]);
	}
	return sum;
}
