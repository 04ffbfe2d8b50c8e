// SPDX-License-Identifier: MIT
/* Pinned chunk by chunk, each with an array of its own: none of them is lost when the next is kept. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define CHUNKS 4
#define EACH 16

struct quilt_chunk {
	struct page **list;
};

struct quilt {
	struct quilt_chunk *chunk;
	int n;
};

static void quilt_free(struct quilt *q)
{
	int i;

	for (i = 0; i < q->n; i++) {
		unpin_user_pages_dirty_lock(q->chunk[i].list, EACH, true);
		kfree(q->chunk[i].list);
	}
	kfree(q->chunk);
	kfree(q);
}

static struct quilt *quilt_get(unsigned long addr)
{
	struct quilt *q = kzalloc(sizeof(*q), GFP_KERNEL);
	int got;

	if (!q)
		return NULL;
	q->chunk = kcalloc(CHUNKS, sizeof(*q->chunk), GFP_KERNEL);
	if (!q->chunk) {
		kfree(q);
		return NULL;
	}
	while (q->n < CHUNKS) {
		struct page **list = kcalloc(EACH, sizeof(*list), GFP_KERNEL);

		if (!list)
			goto fail;
		q->chunk[q->n].list = list;
		/* holds */
		got = pin_user_pages_fast(addr, EACH, FOLL_WRITE | FOLL_LONGTERM, list);
		if (got != EACH) {
			if (got > 0)
				unpin_user_pages(list, got);
			kfree(list);
			goto fail;
		}
		addr += EACH * PAGE_SIZE;
		q->n++;
	}
	return q;
fail:
	quilt_free(q);
	return NULL;
}

static int quilt_open(struct inode *inode, struct file *file)
{
	file->private_data = quilt_get(0x100000);
	return file->private_data ? 0 : -ENOMEM;
}

static int quilt_release(struct inode *inode, struct file *file)
{
	quilt_free(file->private_data);
	return 0;
}

const struct file_operations quilt_fops = {
	.owner = THIS_MODULE,
	.open = quilt_open,
	.release = quilt_release,
};
