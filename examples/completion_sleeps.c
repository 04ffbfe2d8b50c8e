// SPDX-License-Identifier: MIT
/* The interrupt gives the pages back and marks them: that takes the lock of each page, and may sleep. */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct scan {
	struct page *pages[16];
	int nr;
	int irq;
};

static irqreturn_t scan_done(int irq, void *data)
{
	struct scan *scan = data;

	unpin_user_pages_dirty_lock(scan->pages, scan->nr, true);
	scan->nr = 0;
	return IRQ_HANDLED;
}

int scan_start(struct scan *scan, unsigned long addr)
{
	int got;

	/* finds: sleeping-release */
	got = pin_user_pages_fast(addr, 16, FOLL_WRITE, scan->pages);
	if (got != 16) {
		if (got > 0)
			unpin_user_pages(scan->pages, got);
		return got < 0 ? got : -EFAULT;
	}
	scan->nr = got;
	return 0;
}

int scan_probe(struct scan *scan)
{
	return request_irq(scan->irq, scan_done, 0, "scan", scan);
}
