// SPDX-License-Identifier: MIT
/*
 * Pages are pinned a batch at a time and moved into chunks. If a chunk cannot
 * be had, the rest of the batch is in no list, and the label does not see it.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define BATCH	64
#define CHUNK	16

struct chunk {
	struct list_head node;
	int nr;
	struct page *pages[CHUNK];
};

static void chunks_put(struct list_head *chunks)
{
	struct chunk *c, *next;

	list_for_each_entry_safe(c, next, chunks, node) {
		unpin_user_pages_dirty_lock(c->pages, c->nr, true);
		list_del(&c->node);
		kfree(c);
	}
}

int memory_register(struct list_head *chunks, unsigned long addr, long npages)
{
	struct page **batch;
	struct chunk *c;
	int got, off, ret = 0;

	batch = kmalloc_array(BATCH, sizeof(*batch), GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	while (npages) {
		/* finds: error-path-leak */
		got = pin_user_pages_fast(addr, min(npages, (long)BATCH), FOLL_WRITE | FOLL_LONGTERM,
					  batch);
		if (got < 0) {
			ret = got;
			goto out;
		}
		addr += (unsigned long)got << PAGE_SHIFT;
		npages -= got;
		for (off = 0; off < got; off += c->nr) {
			c = kmalloc(sizeof(*c), GFP_KERNEL);
			if (!c) {
				ret = -ENOMEM;
				goto out;
			}
			c->nr = min(got - off, CHUNK);
			memcpy(c->pages, batch + off, c->nr * sizeof(*batch));
			list_add_tail(&c->node, chunks);
		}
	}
out:
	kfree(batch);
	if (ret)
		chunks_put(chunks);
	return ret;
}

void memory_unregister(struct list_head *chunks)
{
	chunks_put(chunks);
}
