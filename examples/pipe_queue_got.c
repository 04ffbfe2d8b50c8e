// SPDX-License-Identifier: MIT
/* A virtio device fills pages that are only referenced. */
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

	/* finds: get-instead-of-pin */
	got = iov_iter_get_pages2(iter, &page, len, 1, &off);
	if (got < 0)
		return got;
	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, got, off);
	sgs[0] = &sg;
	ret = virtqueue_add_sgs(vq, sgs, 0, 1, page, GFP_KERNEL);
	if (!ret)
		virtqueue_kick(vq);
	put_page(page);
	return ret;
}
