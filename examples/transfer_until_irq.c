// SPDX-License-Identifier: MIT
/* No FOLL_LONGTERM, and none needed: the interrupt ends the pin, whatever the user does. */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

struct engine {
	struct device *dev;
	void __iomem *regs;
	struct work_struct done;
	struct page *page;
	dma_addr_t dma;
};

static void engine_done(struct work_struct *work)
{
	struct engine *e = container_of(work, struct engine, done);

	dma_unmap_page(e->dev, e->dma, PAGE_SIZE, DMA_FROM_DEVICE);
	unpin_user_pages_dirty_lock(&e->page, 1, true);
}

static irqreturn_t engine_irq(int irq, void *data)
{
	struct engine *e = data;

	schedule_work(&e->done);
	return IRQ_HANDLED;
}

int engine_start(struct engine *e, unsigned long addr)
{
	int ret;

	/* holds */
	ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &e->page);
	if (ret != 1)
		return ret < 0 ? ret : -EFAULT;
	e->dma = dma_map_page(e->dev, e->page, 0, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(e->dev, e->dma)) {
		unpin_user_page(e->page);
		return -EIO;
	}
	writel(lower_32_bits(e->dma), e->regs);
	return 0;
}

int engine_probe(struct engine *e, int irq)
{
	INIT_WORK(&e->done, engine_done);
	return request_irq(irq, engine_irq, 0, "engine", e);
}
