// SPDX-License-Identifier: MIT
/* Without MSG_SPLICE_PAGES the iterator may be over memory of a process, which then stays pinned. */
#include <linux/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>

static int digest_splice(struct iov_iter *iter, size_t len)
{
	struct page *page, **list = &page;
	size_t off;
	ssize_t got;

	/* unknown: what an iterator gave is left behind on one way, and what the iterator was over is not known */
	got = iov_iter_extract_pages(iter, &list, len, 1, 0, &off);
	return got < 0 ? got : 0;
}

int digest_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	return digest_splice(&msg->msg_iter, len);
}
