// SPDX-License-Identifier: MIT
/* A region pins its pages into itself; when the list is full it is freed with them still in it. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct crate_region {
	struct page **pages;
	int nr;
};

struct crate {
	struct crate_region *slots[8];
	unsigned int used;
};

static int crate_pin(struct crate_region *region, unsigned long start)
{
	int got;

	region->pages = kcalloc(region->nr, sizeof(*region->pages), GFP_KERNEL);
	if (!region->pages)
		return -ENOMEM;
	/* finds: error-path-leak */
	got = pin_user_pages_fast(start, region->nr, FOLL_WRITE | FOLL_LONGTERM, region->pages);
	if (got != region->nr) {
		if (got > 0)
			unpin_user_pages(region->pages, got);
		kfree(region->pages);
		return got < 0 ? got : -EFAULT;
	}
	return 0;
}

static void crate_unpin(struct crate_region *region)
{
	unpin_user_pages_dirty_lock(region->pages, region->nr, true);
	kfree(region->pages);
}

static long crate_add(struct crate *crate, unsigned long start)
{
	struct crate_region *region;
	int err;

	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		return -ENOMEM;
	region->nr = 16;
	err = crate_pin(region, start);
	if (err)
		goto out_free;
	if (crate->used >= 8) {
		err = -ENOSPC;
		goto out_free;
	}
	crate->slots[crate->used++] = region;
	return 0;

out_free:
	kfree(region);
	return err;
}

static long crate_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct crate *crate = file->private_data;

	if (cmd == 1)
		return crate_add(crate, arg);
	if (cmd == 2 && crate->used > 0) {
		crate_unpin(crate->slots[--crate->used]);
		kfree(crate->slots[crate->used]);
		return 0;
	}
	return -ENOTTY;
}

static const struct file_operations crate_fops = {
	.unlocked_ioctl = crate_ioctl,
};
