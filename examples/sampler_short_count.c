// SPDX-License-Identifier: MIT
/* Fewer pages than asked for are taken for all of them. */
#include <linux/highmem.h>
#include <linux/mm.h>

#define SAMPLER_PAGES 4

int sampler_sum(unsigned long addr)
{
	struct page *pages[SAMPLER_PAGES];
	int i, got, sum = 0;
	u8 *p;

	/* finds: partial-pin */
	got = pin_user_pages_fast(addr, SAMPLER_PAGES, 0, pages);
	if (got < 0)
		return got;
	for (i = 0; i < SAMPLER_PAGES; i++) {
		p = kmap_local_page(pages[i]);
		sum += *p;
		kunmap_local(p);
	}
	unpin_user_pages(pages, SAMPLER_PAGES);
	return sum;
}
