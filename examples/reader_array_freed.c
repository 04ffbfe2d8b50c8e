// SPDX-License-Identifier: MIT
/* The call makes the array; only that is freed, and of an iterator it is not said yet what it costs. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

int reader_send(struct iov_iter *iter, size_t len)
{
	struct page **pages = NULL;
	size_t off;
	ssize_t got;

	/* unknown: what an iterator gave is left behind on one way, and what the iterator was over is not known */
	got = iov_iter_get_pages_alloc2(iter, &pages, len, &off);
	if (got < 0)
		return got;
	kvfree(pages);
	return 0;
}
