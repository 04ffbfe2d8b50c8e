// SPDX-License-Identifier: MIT
/* An attachment does not hold the dma-buf; the importer does. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct early_import {
	struct dma_buf *buf;
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

struct early_import *early_import_fd(struct device *dev, int fd)
{
	struct early_import *im = kzalloc(sizeof(*im), GFP_KERNEL);
	int ret;

	if (!im)
		return ERR_PTR(-ENOMEM);
	/* finds: attach-map-order */
	im->buf = dma_buf_get(fd);
	if (IS_ERR(im->buf)) {
		ret = PTR_ERR(im->buf);
		goto free;
	}
	/* finds: attach-map-order */
	im->at = dma_buf_attach(im->buf, dev);
	if (IS_ERR(im->at)) {
		ret = PTR_ERR(im->at);
		goto put;
	}
	/* unknown: told at another call */
	im->table = dma_buf_map_attachment_unlocked(im->at, DMA_BIDIRECTIONAL);
	if (IS_ERR(im->table)) {
		ret = PTR_ERR(im->table);
		goto detach;
	}
	dma_buf_put(im->buf);
	return im;
detach:
	dma_buf_detach(im->buf, im->at);
put:
	dma_buf_put(im->buf);
free:
	kfree(im);
	return ERR_PTR(ret);
}

void early_import_release(struct early_import *im)
{
	dma_buf_unmap_attachment_unlocked(im->at, im->table, DMA_BIDIRECTIONAL);
	dma_buf_detach(im->buf, im->at);
	kfree(im);
}
