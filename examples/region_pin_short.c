// SPDX-License-Identifier: MIT
/* Memory stays registered until the user says otherwise, but was pinned as if for one transfer. */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct region {
	struct list_head node;
	unsigned long addr;
	int nr;
	struct page **pages;
};

struct card {
	struct mutex lock;
	struct list_head regions;
};

static int region_pin(struct region *r)
{
	int got;

	r->pages = kvcalloc(r->nr, sizeof(*r->pages), GFP_KERNEL);
	if (!r->pages)
		return -ENOMEM;
	/* finds: missing-longterm */
	got = pin_user_pages_fast(r->addr, r->nr, FOLL_WRITE, r->pages);
	if (got == r->nr)
		return 0;
	if (got > 0)
		unpin_user_pages(r->pages, got);
	kvfree(r->pages);
	return got < 0 ? got : -EFAULT;
}

static void region_free(struct region *r)
{
	unpin_user_pages_dirty_lock(r->pages, r->nr, true);
	kvfree(r->pages);
	kfree(r);
}

static long card_map(struct card *c, unsigned long addr, int nr)
{
	struct region *r;
	int ret;

	if (nr <= 0)
		return -EINVAL;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	r->addr = addr;
	r->nr = nr;
	ret = region_pin(r);
	if (ret) {
		kfree(r);
		return ret;
	}
	mutex_lock(&c->lock);
	list_add(&r->node, &c->regions);
	mutex_unlock(&c->lock);
	return 0;
}

static long card_unmap(struct card *c, unsigned long addr)
{
	struct region *r, *next;

	mutex_lock(&c->lock);
	list_for_each_entry_safe(r, next, &c->regions, node) {
		if (r->addr != addr)
			continue;
		list_del(&r->node);
		region_free(r);
	}
	mutex_unlock(&c->lock);
	return 0;
}

#define CARD_MAP	_IO('c', 1)
#define CARD_UNMAP	_IO('c', 2)

static long card_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct card *c = file->private_data;

	switch (cmd) {
	case CARD_MAP:
		return card_map(c, arg, 16);
	case CARD_UNMAP:
		return card_unmap(c, arg);
	}
	return -ENOTTY;
}

static int card_release(struct inode *inode, struct file *file)
{
	struct card *c = file->private_data;
	struct region *r, *next;

	list_for_each_entry_safe(r, next, &c->regions, node) {
		list_del(&r->node);
		region_free(r);
	}
	return 0;
}

static const struct file_operations card_fops = {
	.unlocked_ioctl = card_ioctl,
	.release = card_release,
};
