// SPDX-License-Identifier: MIT
/* A dma-buf: its core has compared offset and length before the exporter maps. */
#include <linux/dma-buf.h>
#include <linux/mm.h>

struct frames {
	unsigned long base;
};

/* holds: dma_buf_mmap() has checked offset and length */
static int frames_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct frames *f = buf->priv;

	return remap_pfn_range(vma, vma->vm_start, (f->base >> PAGE_SHIFT) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

const struct dma_buf_ops frames_ops = {
	.mmap = frames_mmap,
};
