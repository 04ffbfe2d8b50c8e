// SPDX-License-Identifier: MIT
/* One ioctl pins and gives back; another pins by the same function, and leaves that to a third. */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct vault_map {
	struct list_head node;
	unsigned long addr;
	int nr;
	struct page **pages;
};

struct vault {
	struct list_head maps;
};

static int vault_pin(struct vault_map *m)
{
	int got;

	m->pages = kvcalloc(m->nr, sizeof(*m->pages), GFP_KERNEL);
	if (!m->pages)
		return -ENOMEM;
	/* finds: missing-longterm */
	got = pin_user_pages_fast(m->addr, m->nr, FOLL_WRITE, m->pages);
	if (got == m->nr)
		return 0;
	if (got > 0)
		unpin_user_pages(m->pages, got);
	kvfree(m->pages);
	return got < 0 ? got : -EFAULT;
}

static void vault_unpin(struct vault_map *m)
{
	unpin_user_pages_dirty_lock(m->pages, m->nr, true);
	kvfree(m->pages);
	kfree(m);
}

static struct vault_map *vault_new(unsigned long addr, int nr)
{
	struct vault_map *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	m->addr = addr;
	m->nr = nr;
	if (vault_pin(m)) {
		kfree(m);
		return NULL;
	}
	return m;
}

static long vault_once(struct vault *v, unsigned long addr, int nr)
{
	struct vault_map *m = vault_new(addr, nr);

	if (!m)
		return -ENOMEM;
	memset(page_address(m->pages[0]), 0, PAGE_SIZE);
	vault_unpin(m);
	return 0;
}

static long vault_keep(struct vault *v, unsigned long addr, int nr)
{
	struct vault_map *m = vault_new(addr, nr);

	if (!m)
		return -ENOMEM;
	list_add(&m->node, &v->maps);
	return 0;
}

static long vault_drop(struct vault *v, unsigned long addr)
{
	struct vault_map *m, *next;

	list_for_each_entry_safe(m, next, &v->maps, node)
		if (m->addr == addr) {
			list_del(&m->node);
			vault_unpin(m);
			return 0;
		}
	return -ENOENT;
}

static long vault_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vault *v = file->private_data;

	switch (cmd) {
	case 0:
		return vault_once(v, arg, 1);
	case 1:
		return vault_keep(v, arg, 4);
	case 2:
		return vault_drop(v, arg);
	}
	return -ENOTTY;
}

const struct file_operations vault_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vault_ioctl,
};
