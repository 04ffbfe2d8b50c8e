// SPDX-License-Identifier: MIT
/* A device fills pages of a process, and they are marked dirty; where they could not be mapped nothing was written. */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

struct scatter {
	struct device *dev;
	struct sg_table table;
	struct page **pages;
	void __iomem *regs;
	struct completion done;
};

static void scatter_run(struct scatter *s)
{
	writel(sg_dma_address(s->table.sgl), s->regs);
	wait_for_completion(&s->done);
}

int scatter_fill(struct scatter *s, unsigned long start, int count)
{
	int ret;

	/* holds */
	ret = pin_user_pages_fast(start, count, FOLL_WRITE, s->pages);
	if (ret < 0)
		return ret;
	if (ret < count) {
		unpin_user_pages(s->pages, ret);
		return -EFAULT;
	}
	ret = sg_alloc_table_from_pages(&s->table, s->pages, count, 0, (unsigned long)count << PAGE_SHIFT,
					GFP_KERNEL);
	if (ret)
		goto unpin;
	ret = dma_map_sgtable(s->dev, &s->table, DMA_FROM_DEVICE, 0);
	if (ret)
		goto free;
	scatter_run(s);
	dma_unmap_sgtable(s->dev, &s->table, DMA_FROM_DEVICE, 0);
	sg_free_table(&s->table);
	unpin_user_pages_dirty_lock(s->pages, count, true);
	return 0;

free:
	sg_free_table(&s->table);
unpin:
	unpin_user_pages(s->pages, count);
	return ret;
}
