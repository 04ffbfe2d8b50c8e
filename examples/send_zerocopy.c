// SPDX-License-Identifier: MIT
/* Transmission from the user's pages: the device only reads, and the user waits for the completion. */
#include <linux/skbuff.h>
#include <linux/uio.h>

int frag_from_iter(struct sk_buff *skb, struct iov_iter *from)
{
	struct page *page;
	size_t off;
	ssize_t len;

	/* holds */
	len = iov_iter_get_pages2(from, &page, PAGE_SIZE, 1, &off);
	if (len <= 0)
		return len ? len : -EFAULT;
	skb_fill_page_desc(skb, skb_shinfo(skb)->nr_frags, page, off, len);
	skb->data_len += len;
	skb->len += len;
	return 0;
}
