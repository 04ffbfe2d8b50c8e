// SPDX-License-Identifier: MIT
/* The pages of a user take the place of the driver's own, which are freed: that is no wrong way to give back what is pinned. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define SLOTS 8

struct lender_slot {
	struct page *page;
};

struct lender {
	struct lender_slot *slots;
	struct page **pages;
};

static int lender_fill(struct lender *l, int i)
{
	struct lender_slot *slot = &l->slots[i];
	struct page *own = alloc_page(GFP_KERNEL);

	if (!own)
		return -ENOMEM;
	slot->page = own;
	return 0;
}

static void lender_empty(struct lender *l)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		struct lender_slot *slot = &l->slots[i];

		if (slot->page)
			__free_page(slot->page);
		slot->page = NULL;
	}
}

static long lender_register(struct lender *l, unsigned long addr)
{
	struct page **pages = kcalloc(SLOTS, sizeof(*pages), GFP_KERNEL);
	struct page *own;
	int i, got;

	if (!pages)
		return -ENOMEM;
	/* holds */
	got = pin_user_pages_fast(addr, SLOTS, FOLL_WRITE | FOLL_LONGTERM, pages);
	if (got != SLOTS) {
		if (got > 0)
			unpin_user_pages(pages, got);
		kfree(pages);
		return -EFAULT;
	}
	for (i = 0; i < SLOTS; i++) {
		struct lender_slot *slot = &l->slots[i];

		own = slot->page;
		slot->page = pages[i];
		get_page(pages[i]);
		if (own)
			__free_page(own);
	}
	l->pages = pages;
	return 0;
}

static int lender_release(struct inode *inode, struct file *file)
{
	struct lender *l = file->private_data;

	if (l->pages)
		unpin_user_pages_dirty_lock(l->pages, SLOTS, true);
	else
		lender_empty(l);
	kfree(l->pages);
	return 0;
}

static long lender_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lender *l = file->private_data;

	switch (cmd) {
	case 0:
		return lender_register(l, arg);
	default:
		return lender_fill(l, cmd % SLOTS);
	}
}

const struct file_operations lender_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = lender_ioctl,
	.release = lender_release,
};
