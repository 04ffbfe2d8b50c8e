// SPDX-License-Identifier: MIT
/* What an iterator gave is unpinned where it is over memory of the kernel, and put where it is a user's: the wrong way round. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

static void packet_drop(struct page **pages, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		put_page(pages[i]);
}

static void packet_take(struct page **pages, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		get_page(pages[i]);
}

static ssize_t packet_send(struct iov_iter *iter, size_t n, int (*out)(struct page **, size_t))
{
	struct page **pages = kcalloc(n, sizeof(*pages), GFP_KERNEL);
	ssize_t len;
	size_t off;

	if (!pages)
		return -ENOMEM;
	/* finds: put-instead-of-unpin */
	len = iov_iter_extract_pages(iter, &pages, n * PAGE_SIZE, n, 0, &off);
	if (len <= 0)
		goto done;
	n = DIV_ROUND_UP(off + len, PAGE_SIZE);
	if (iov_iter_is_kvec(iter))
		packet_take(pages, n);
	pr_debug("%zu pages\n", n);
	if (iov_iter_is_kvec(iter))
		unpin_user_pages(pages, n);
	else
		packet_drop(pages, n);
done:
	kfree(pages);
	return len;
}

static ssize_t packet_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return packet_send(from, 16, NULL);
}

const struct file_operations packet_fops = {
	.owner = THIS_MODULE,
	.write_iter = packet_write_iter,
};
