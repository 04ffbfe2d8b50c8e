// SPDX-License-Identifier: MIT
/* Since 6.2 the mapping is made under the reservation lock, in which the exporter moves the buffer. */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>

struct bare_blit {
	struct dma_buf_attachment *at;
	int (*go)(struct sg_table *);
};

static int bare_blit_run(struct bare_blit *b)
{
	struct sg_table *table;
	int ret;

	/* finds: missing-resv-lock */
	table = dma_buf_map_attachment(b->at, DMA_FROM_DEVICE);
	if (IS_ERR(table))
		return PTR_ERR(table);
	ret = sg_dma_len(table->sgl);
	dma_buf_unmap_attachment_unlocked(b->at, table, DMA_FROM_DEVICE);
	return ret;
}

static long bare_blit_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return bare_blit_run(file->private_data);
}

static const struct file_operations bare_blit_fops = {
	.unlocked_ioctl = bare_blit_ioctl,
};
