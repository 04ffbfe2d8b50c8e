// SPDX-License-Identifier: MIT
/* An attachment does not hold the dma-buf; the importer does. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct late_import {
	struct dma_buf *buf;
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

struct late_import *late_import_fd(struct device *dev, int fd)
{
	struct late_import *im = kzalloc(sizeof(*im), GFP_KERNEL);
	int ret;

	if (!im)
		return ERR_PTR(-ENOMEM);
	/* holds */
	im->buf = dma_buf_get(fd);
	if (IS_ERR(im->buf)) {
		ret = PTR_ERR(im->buf);
		goto free;
	}
	/* holds */
	im->at = dma_buf_attach(im->buf, dev);
	if (IS_ERR(im->at)) {
		ret = PTR_ERR(im->at);
		goto put;
	}
	/* holds */
	im->table = dma_buf_map_attachment_unlocked(im->at, DMA_BIDIRECTIONAL);
	if (IS_ERR(im->table)) {
		ret = PTR_ERR(im->table);
		goto detach;
	}
	return im;
detach:
	dma_buf_detach(im->buf, im->at);
put:
	dma_buf_put(im->buf);
free:
	kfree(im);
	return ERR_PTR(ret);
}

void late_import_release(struct late_import *im)
{
	dma_buf_unmap_attachment_unlocked(im->at, im->table, DMA_BIDIRECTIONAL);
	dma_buf_detach(im->buf, im->at);
	dma_buf_put(im->buf);
	kfree(im);
}
