// SPDX-License-Identifier: MIT
/* An exporter that maps its pages one by one, each with a reference: get_user_pages() finds them. */
#include <linux/dma-buf.h>
#include <linux/mm.h>

struct shelf {
	struct page *page;
};

/* holds: dma_buf_mmap() has checked offset and length */
static int shelf_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct shelf *s = buf->priv;

	return vm_insert_page(vma, vma->vm_start, s->page);
}

const struct dma_buf_ops shelf_ops = {
	.mmap = shelf_mmap,
};
