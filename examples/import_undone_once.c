// SPDX-License-Identifier: MIT
/* What is mapped is undone by the destructor of the object, and by nobody else. */
#include <linux/dma-buf.h>
#include <linux/kref.h>
#include <linux/slab.h>

struct once_map {
	struct kref ref;
	struct dma_buf *buf;
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

static void once_map_free(struct kref *ref)
{
	struct once_map *m = container_of(ref, struct once_map, ref);

	if (m->table) {
		dma_buf_unmap_attachment_unlocked(m->at, m->table, DMA_BIDIRECTIONAL);
		dma_buf_detach(m->buf, m->at);
		dma_buf_put(m->buf);
	}
	kfree(m);
}

int once_map_create(struct device *dev, int fd, size_t len, struct once_map **out)
{
	struct sg_table *table;
	struct once_map *m = kzalloc(sizeof(*m), GFP_KERNEL);
	int ret;

	if (!m)
		return -ENOMEM;
	kref_init(&m->ref);
	/* holds */
	m->buf = dma_buf_get(fd);
	if (IS_ERR(m->buf)) {
		ret = PTR_ERR(m->buf);
		goto put_map;
	}
	/* holds */
	m->at = dma_buf_attach(m->buf, dev);
	if (IS_ERR(m->at)) {
		ret = PTR_ERR(m->at);
		goto put_buf;
	}
	/* holds */
	table = dma_buf_map_attachment_unlocked(m->at, DMA_BIDIRECTIONAL);
	if (IS_ERR(table)) {
		ret = PTR_ERR(table);
		goto detach;
	}
	m->table = table;
	if (m->buf->size < len) {
		ret = -EINVAL;
		goto put_map;
	}
	*out = m;
	return 0;
detach:
	dma_buf_detach(m->buf, m->at);
put_buf:
	dma_buf_put(m->buf);
put_map:
	kref_put(&m->ref, once_map_free);
	return ret;
}
