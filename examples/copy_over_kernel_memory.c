// SPDX-License-Identifier: MIT
/* The iterator is over memory of the kernel: of that nothing is pinned, and there is nothing to give back. */
#include <linux/mm.h>
#include <linux/uio.h>

int copy_probe(void *buf, size_t len)
{
	struct page *pages[4], **list = pages;
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;
	size_t off;
	ssize_t got;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, len);
	/* holds */
	got = iov_iter_extract_pages(&iter, &list, len, 4, 0, &off);
	return got < 0 ? got : 0;
}
