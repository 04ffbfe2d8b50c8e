// SPDX-License-Identifier: MIT
/* A region pins its pages into itself; when the list is full they are given back first. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct chest_region {
	struct page **pages;
	int nr;
};

struct chest {
	struct chest_region *slots[8];
	unsigned int used;
};

static int chest_pin(struct chest_region *region, unsigned long start)
{
	int got;

	region->pages = kcalloc(region->nr, sizeof(*region->pages), GFP_KERNEL);
	if (!region->pages)
		return -ENOMEM;
	/* holds */
	got = pin_user_pages_fast(start, region->nr, FOLL_WRITE | FOLL_LONGTERM, region->pages);
	if (got != region->nr) {
		if (got > 0)
			unpin_user_pages(region->pages, got);
		kfree(region->pages);
		return got < 0 ? got : -EFAULT;
	}
	return 0;
}

static void chest_unpin(struct chest_region *region)
{
	unpin_user_pages_dirty_lock(region->pages, region->nr, true);
	kfree(region->pages);
}

static long chest_add(struct chest *chest, unsigned long start)
{
	struct chest_region *region;
	int err;

	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	region->nr = 16;
	err = chest_pin(region, start);
	if (err)
		goto out_free;
	if (chest->used >= 8) {
		err = -ENOSPC;
		goto out_unpin;
	}
	chest->slots[chest->used++] = region;
	return 0;

out_unpin:
	chest_unpin(region);
out_free:
	kfree(region);
	return err;
}

static long chest_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct chest *chest = file->private_data;

	if (cmd == 1)
		return chest_add(chest, arg);
	if (cmd == 2 && chest->used > 0) {
		chest_unpin(chest->slots[--chest->used]);
		kfree(chest->slots[chest->used]);
		return 0;
	}
	return -ENOTTY;
}

static const struct file_operations chest_fops = {
	.unlocked_ioctl = chest_ioctl,
};
