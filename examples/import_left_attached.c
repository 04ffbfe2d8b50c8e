// SPDX-License-Identifier: MIT
/* Something else fails after the device has been attached. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

int left_check(struct device *dev, int fd, int (*look)(struct sg_table *))
{
	struct dma_buf_attachment *at;
	struct sg_table *table;
	struct dma_buf *buf;
	int *results;
	int ret;

	/* holds */
	buf = dma_buf_get(fd);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	/* finds: error-path-leak */
	at = dma_buf_attach(buf, dev);
	if (IS_ERR(at)) {
		ret = PTR_ERR(at);
		goto put;
	}
	results = kcalloc(16, sizeof(*results), GFP_KERNEL);
	if (!results) {
		ret = -ENOMEM;
		goto put;
	}
	/* holds */
	table = dma_buf_map_attachment_unlocked(at, DMA_TO_DEVICE);
	if (IS_ERR(table)) {
		ret = PTR_ERR(table);
		goto free;
	}
	ret = sg_dma_len(table->sgl);
	dma_buf_unmap_attachment_unlocked(at, table, DMA_TO_DEVICE);
free:
	kfree(results);
detach:
	dma_buf_detach(buf, at);
put:
	dma_buf_put(buf);
	return ret;
}
