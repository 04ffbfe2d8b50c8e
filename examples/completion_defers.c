// SPDX-License-Identifier: MIT
/* The interrupt only says that it is done: a work item, which may sleep, marks the pages and gives them back. */
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

struct scan {
	struct page *pages[16];
	struct work_struct work;
	int nr;
	int irq;
};

static void scan_work(struct work_struct *work)
{
	struct scan *scan = container_of(work, struct scan, work);

	unpin_user_pages_dirty_lock(scan->pages, scan->nr, true);
	scan->nr = 0;
}

static irqreturn_t scan_done(int irq, void *data)
{
	struct scan *scan = data;

	schedule_work(&scan->work);
	return IRQ_HANDLED;
}

int scan_start(struct scan *scan, unsigned long addr)
{
	int got;

	/* holds */
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
	INIT_WORK(&scan->work, scan_work);
	return request_irq(scan->irq, scan_done, 0, "scan", scan);
}
