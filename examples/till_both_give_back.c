// SPDX-License-Identifier: MIT
/* Both ioctls that pin by this function give back before they return. */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct till_map {
	struct list_head node;
	unsigned long addr;
	int nr;
	struct page **pages;
};

struct till {
	struct list_head maps;
};

static int till_pin(struct till_map *m)
{
	int got;

	m->pages = kvcalloc(m->nr, sizeof(*m->pages), GFP_KERNEL);
	if (!m->pages)
		return -ENOMEM;
	/* holds */
	got = pin_user_pages_fast(m->addr, m->nr, FOLL_WRITE, m->pages);
	if (got == m->nr)
		return 0;
	if (got > 0)
		unpin_user_pages(m->pages, got);
	kvfree(m->pages);
	return got < 0 ? got : -EFAULT;
}

static void till_unpin(struct till_map *m)
{
	unpin_user_pages_dirty_lock(m->pages, m->nr, true);
	kvfree(m->pages);
	kfree(m);
}

static struct till_map *till_new(unsigned long addr, int nr)
{
	struct till_map *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	m->addr = addr;
	m->nr = nr;
	if (till_pin(m)) {
		kfree(m);
		return NULL;
	}
	return m;
}

static long till_once(struct till *v, unsigned long addr, int nr)
{
	struct till_map *m = till_new(addr, nr);

	if (!m)
		return -ENOMEM;
	memset(page_address(m->pages[0]), 0, PAGE_SIZE);
	till_unpin(m);
	return 0;
}

static long till_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct till *v = file->private_data;

	switch (cmd) {
	case 0:
		return till_once(v, arg, 1);
	case 1:
		return till_once(v, arg, 4);
	}
	return -ENOTTY;
}

const struct file_operations till_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = till_ioctl,
};
