// SPDX-License-Identifier: MIT
/* On a short count the release walks the whole array, or what was pinned. */
#include <linux/mm.h>
#include <linux/slab.h>

struct queue {
	u32 npages;
	struct page **pages;
};

static void queue_unpin(struct queue *q)
{
	unpin_user_pages_dirty_lock(q->pages, q->npages, true);
	kvfree(q->pages);
	q->pages = NULL;
}

int queue_create(struct queue *q, unsigned long addr, u32 npages)
{
	long got;

	q->npages = npages;
	q->pages = kvmalloc_array(npages, sizeof(*q->pages), GFP_KERNEL);
	if (!q->pages)
		return -ENOMEM;
	mmap_read_lock(current->mm);
	/* holds */
	got = pin_user_pages(addr, npages, FOLL_WRITE | FOLL_LONGTERM, q->pages);
	mmap_read_unlock(current->mm);
	if (got == npages)
		return 0;
	if (got < 0) {
		kvfree(q->pages);
		q->pages = NULL;
		return got;
	}
	q->npages = got;
	queue_unpin(q);
	return -ENOMEM;
}

void queue_destroy(struct queue *q)
{
	queue_unpin(q);
}
