// SPDX-License-Identifier: MIT
/* Too few came: those are given back from the last to the first. */
#include <linux/highmem.h>
#include <linux/mm.h>

int tally_sum(unsigned long addr, int nr, struct page **pages)
{
	int i, got, sum = 0;

	/* holds */
	got = get_user_pages_fast(addr, nr, 0, pages);
	if (got < nr) {
		while (got > 0)
			put_page(pages[--got]);
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
