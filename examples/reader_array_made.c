// SPDX-License-Identifier: MIT
/* The call makes the array; what is in it is put one by one, and then the array goes. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

static void reader_put(struct page **pages, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		if (pages[i])
			put_page(pages[i]);
}

int reader_send(struct iov_iter *iter, size_t len)
{
	struct page **pages = NULL;
	size_t off;
	ssize_t got;

	/* holds */
	got = iov_iter_get_pages_alloc2(iter, &pages, len, &off);
	if (got < 0)
		return got;
	reader_put(pages, DIV_ROUND_UP(got + off, PAGE_SIZE));
	kvfree(pages);
	return 0;
}
