// SPDX-License-Identifier: MIT
/* What was mapped for the device to write is unmapped for the same. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct same_frame {
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

int same_frame_map(struct same_frame *f)
{
	/* holds */
	struct sg_table *table = dma_buf_map_attachment_unlocked(f->at, DMA_FROM_DEVICE);

	if (IS_ERR(table))
		return PTR_ERR(table);
	f->table = table;
	return 0;
}

void same_frame_unmap(struct same_frame *f)
{
	dma_buf_unmap_attachment_unlocked(f->at, f->table, DMA_FROM_DEVICE);
	f->table = NULL;
}
