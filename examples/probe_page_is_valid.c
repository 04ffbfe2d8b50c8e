// SPDX-License-Identifier: MIT
/* What was got has a struct page: asking pfn_valid() before the release leaves nothing behind. */
#include <linux/mm.h>

struct probe {
	unsigned long last;
};

int probe_touch(struct probe *p, unsigned long uaddr)
{
	struct page *page;
	unsigned long pfn;
	int ret;

	/* holds */
	ret = get_user_pages_fast(uaddr, 1, 0, &page);
	if (ret != 1)
		return -EFAULT;
	pfn = page_to_pfn(page);
	p->last++;
	if (pfn_valid(pfn))
		put_page(pfn_to_page(pfn));
	return 0;
}
