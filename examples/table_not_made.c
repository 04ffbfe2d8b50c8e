// SPDX-License-Identifier: MIT
/* A table that there is no memory for keeps no pages: they are left when it cannot be made. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

struct table {
	struct page **pages;
	struct sg_table sgt;
	void *virt;
	int nr;
};

static int table_pin(struct table *table, unsigned long start)
{
	int got, err;

	table->pages = kcalloc(table->nr, sizeof(*table->pages), GFP_KERNEL);
	if (!table->pages)
		return -ENOMEM;
	/* finds: error-path-leak */
	got = pin_user_pages_fast(start, table->nr, FOLL_WRITE | FOLL_LONGTERM, table->pages);
	if (got != table->nr) {
		err = got < 0 ? got : -EFAULT;
		goto out_unpin;
	}
	err = sg_alloc_table_from_pages(&table->sgt, table->pages, got, 0, (unsigned long)got << PAGE_SHIFT, GFP_KERNEL);
	if (err)
		goto out_free;
	table->virt = vmap(table->pages, got, VM_MAP, PAGE_KERNEL);
	if (!table->virt) {
		sg_free_table(&table->sgt);
		err = -ENOMEM;
		goto out_unpin;
	}
	return 0;

out_unpin:
	if (got > 0)
		unpin_user_pages(table->pages, got);
out_free:
	kfree(table->pages);
	return err;
}

static void table_release(struct table *table)
{
	vunmap(table->virt);
	sg_free_table(&table->sgt);
	unpin_user_pages_dirty_lock(table->pages, table->nr, true);
	kfree(table->pages);
}

static long table_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct table *table = file->private_data;

	switch (cmd) {
	case 1:
		return table_pin(table, arg);
	case 2:
		table_release(table);
		return 0;
	}
	return -ENOTTY;
}

static const struct file_operations table_fops = {
	.unlocked_ioctl = table_ioctl,
};
