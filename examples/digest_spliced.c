// SPDX-License-Identifier: MIT
/* MSG_SPLICE_PAGES is for the kernel only: what the iterator is over is not pinned, and nothing is given back. */
#include <linux/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>

static int digest_splice(struct iov_iter *iter, size_t len)
{
	struct page *page, **list = &page;
	size_t off;
	ssize_t got;

	/* holds: what is spliced (MSG_SPLICE_PAGES) is memory that the kernel has: no system call asks for it */
	got = iov_iter_extract_pages(iter, &list, len, 1, 0, &off);
	return got < 0 ? got : 0;
}

int digest_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	if (msg->msg_flags & MSG_SPLICE_PAGES)
		return digest_splice(&msg->msg_iter, len);
	return -EOPNOTSUPP;
}
