// SPDX-License-Identifier: MIT
/* Page by page into an array of vectors, which is copied; they are given back from there. */
#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define spool_cost(n) spool_cost_of((n), 4)

static int spool_cost_of(int n, int each)
{
	return n * each;
}

static void spool_drop(struct bio_vec *own)
{
	int i;

	for (i = 0; i < 8; i++)
		unpin_user_page(own[i].bv_page);
}

int spool_read(unsigned long addr)
{
	struct page *pages[8];
	struct bio_vec *own, *vec;
	int got, i, ret = 0;

	vec = kcalloc(8, sizeof(*vec), GFP_KERNEL);
	if (!vec)
		return -ENOMEM;
	own = kcalloc(8, sizeof(*own), GFP_KERNEL);
	if (!own) {
		kfree(vec);
		return -ENOMEM;
	}
	/* holds */
	got = pin_user_pages_fast(addr, 8, 0, pages);
	if (got != 8) {
		if (got > 0)
			unpin_user_pages(pages, got);
		ret = got < 0 ? got : -EFAULT;
		goto out;
	}
	for (i = 0; i < 8; i++)
		bvec_set_page(&vec[i], pages[i], PAGE_SIZE, 0);
	memcpy(own, vec, 8 * sizeof(*vec));
	ret = spool_cost(8);
	spool_drop(own);
out:
	kfree(own);
	kfree(vec);
	return ret;
}
