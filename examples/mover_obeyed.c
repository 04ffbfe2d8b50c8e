// SPDX-License-Identifier: MIT
/* The exporter says that the buffer moves; what was mapped must not be used any more. */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

struct obedient_region {
	struct dma_buf_attachment *at;
	struct sg_table *table;
	bool moved;
};

static void obedient_region_moved(struct dma_buf_attachment *attach)
{
	struct obedient_region *r = attach->importer_priv;

	if (r->table)
		dma_buf_unmap_attachment(attach, r->table, DMA_BIDIRECTIONAL);
	r->table = NULL;
}

static const struct dma_buf_attach_ops obedient_region_ops = {
	.invalidate_mappings = obedient_region_moved,
};

int obedient_region_attach(struct obedient_region *r, struct dma_buf *buf, struct device *dev)
{
	get_dma_buf(buf);
	/* holds */
	r->at = dma_buf_dynamic_attach(buf, dev, &obedient_region_ops, r);
	if (IS_ERR(r->at)) {
		dma_buf_put(buf);
		return PTR_ERR(r->at);
	}
	return 0;
}

void obedient_region_detach(struct obedient_region *r)
{
	struct dma_buf *buf = r->at->dmabuf;

	dma_resv_lock(buf->resv, NULL);
	if (r->table)
		dma_buf_unmap_attachment(r->at, r->table, DMA_BIDIRECTIONAL);
	r->table = NULL;
	dma_resv_unlock(buf->resv);
	dma_buf_detach(buf, r->at);
	dma_buf_put(buf);
}
