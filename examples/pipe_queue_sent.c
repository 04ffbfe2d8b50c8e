// SPDX-License-Identifier: MIT
/* The device only reads what it is given. */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/uio.h>
#include <linux/virtio.h>

int pipe_read(struct virtqueue *vq, struct iov_iter *iter, size_t len)
{
	struct scatterlist sg, *sgs[1];
	struct page *page;
	size_t off;
	ssize_t got;
	int ret;

	/* holds */
	got = iov_iter_get_pages2(iter, &page, len, 1, &off);
	if (got < 0)
		return got;
	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, got, off);
	sgs[0] = &sg;
	ret = virtqueue_add_sgs(vq, sgs, 1, 0, page, GFP_KERNEL);
	if (!ret)
		virtqueue_kick(vq);
	put_page(page);
	return ret;
}
