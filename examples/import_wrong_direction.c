// SPDX-License-Identifier: MIT
/* What was mapped for the device to write is unmapped as if it had read. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct wrong_frame {
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

int wrong_frame_map(struct wrong_frame *f)
{
	/* finds: dma-direction-mismatch */
	struct sg_table *table = dma_buf_map_attachment_unlocked(f->at, DMA_FROM_DEVICE);

	if (IS_ERR(table))
		return PTR_ERR(table);
	f->table = table;
	return 0;
}

void wrong_frame_unmap(struct wrong_frame *f)
{
	dma_buf_unmap_attachment_unlocked(f->at, f->table, DMA_TO_DEVICE);
	f->table = NULL;
}
