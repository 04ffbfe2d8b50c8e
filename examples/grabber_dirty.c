// SPDX-License-Identifier: MIT
/* A device fills the user's pages; the request is freed when the last user has let go. */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

struct grab {
	struct kref ref;
	struct device *dev;
	enum dma_data_direction dir;
	struct sg_table sgt;
	struct page **pages;
	long nr;
};

static void grab_free(struct kref *ref)
{
	struct grab *g = container_of(ref, struct grab, ref);

	dma_unmap_sgtable(g->dev, &g->sgt, g->dir, 0);
	sg_free_table(&g->sgt);
	unpin_user_pages_dirty_lock(g->pages, g->nr, g->dir == DMA_FROM_DEVICE);
	kvfree(g->pages);
	kfree(g);
}

void grab_done(struct grab *g)
{
	kref_put(&g->ref, grab_free);
}

struct grab *grab_start(struct device *dev, unsigned long addr, long nr, bool in)
{
	enum dma_data_direction dir = in ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct grab *g = kzalloc(sizeof(*g), GFP_KERNEL);
	long got;
	int ret = -ENOMEM;

	if (!g)
		return ERR_PTR(ret);
	kref_init(&g->ref);
	g->dev = dev;
	g->dir = dir;
	g->nr = nr;
	g->pages = kvcalloc(nr, sizeof(*g->pages), GFP_KERNEL);
	if (!g->pages)
		goto free;
	/* holds */
	got = pin_user_pages_fast(addr, nr, dir == DMA_FROM_DEVICE ? FOLL_WRITE : 0, g->pages);
	if (got != nr) {
		ret = got < 0 ? got : -EFAULT;
		goto unpin;
	}
	ret = sg_alloc_table_from_pages(&g->sgt, g->pages, nr, 0, nr << PAGE_SHIFT, GFP_KERNEL);
	if (ret)
		goto unpin;
	ret = dma_map_sgtable(dev, &g->sgt, dir, 0);
	if (!ret)
		return g;
	sg_free_table(&g->sgt);
unpin:
	if (got > 0)
		unpin_user_pages(g->pages, got);
	kvfree(g->pages);
free:
	kfree(g);
	return ERR_PTR(ret);
}

static irqreturn_t grab_irq(int irq, void *data)
{
	grab_done(data);
	return IRQ_HANDLED;
}

int grab_arm(struct grab *g, int irq)
{
	return request_irq(irq, grab_irq, 0, "grab", g);
}
