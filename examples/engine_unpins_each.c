// SPDX-License-Identifier: MIT
/* One page of a table is filled at a time; all of them are given back in a loop, through a local. */
#include <linux/fs.h>
#include <linux/mm.h>

#define SLOTS 8

struct engine {
	struct page *pages[SLOTS];
};

static void engine_unpin(struct engine *e)
{
	int i;

	for (i = 0; i < SLOTS; i++) {
		struct page *p = e->pages[i];

		if (p) {
			unpin_user_pages_dirty_lock(&p, 1, true);
			e->pages[i] = NULL;
		}
	}
}

static long engine_add(struct engine *e, unsigned long addr, int slot)
{
	/* holds */
	if (pin_user_pages_fast(addr, 1, FOLL_WRITE | FOLL_LONGTERM, &e->pages[slot]) != 1) {
		engine_unpin(e);
		return -EFAULT;
	}
	if (addr & 1) {
		engine_unpin(e);
		return -EINVAL;
	}
	return 0;
}

static long engine_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return engine_add(file->private_data, arg, cmd % SLOTS);
}

static int engine_release(struct inode *inode, struct file *file)
{
	engine_unpin(file->private_data);
	return 0;
}

static const struct file_operations engine_fops = {
	.unlocked_ioctl = engine_ioctl,
	.release = engine_release,
};
