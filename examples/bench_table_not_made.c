// SPDX-License-Identifier: MIT
/* When the table cannot be made, or the pages cannot be mapped, they are given back. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

struct bench {
	struct page **pages;
	struct sg_table sgt;
	void *virt;
	int nr;
};

static int bench_pin(struct bench *bench, unsigned long start)
{
	int got, err;

	bench->pages = kcalloc(bench->nr, sizeof(*bench->pages), GFP_KERNEL);
	if (!bench->pages)
		return -ENOMEM;
	/* holds */
	got = pin_user_pages_fast(start, bench->nr, FOLL_WRITE | FOLL_LONGTERM, bench->pages);
	if (got != bench->nr) {
		err = got < 0 ? got : -EFAULT;
		goto out_unpin;
	}
	err = sg_alloc_table_from_pages(&bench->sgt, bench->pages, got, 0, (unsigned long)got << PAGE_SHIFT, GFP_KERNEL);
	if (err)
		goto out_unpin;
	bench->virt = vmap(bench->pages, got, VM_MAP, PAGE_KERNEL);
	if (!bench->virt) {
		sg_free_table(&bench->sgt);
		err = -ENOMEM;
		goto out_unpin;
	}
	return 0;

out_unpin:
	if (got > 0)
		unpin_user_pages(bench->pages, got);
	kfree(bench->pages);
	return err;
}

static void bench_release(struct bench *bench)
{
	vunmap(bench->virt);
	sg_free_table(&bench->sgt);
	unpin_user_pages_dirty_lock(bench->pages, bench->nr, true);
	kfree(bench->pages);
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bench *bench = file->private_data;

	switch (cmd) {
	case 1:
		return bench_pin(bench, arg);
	case 2:
		bench_release(bench);
		return 0;
	}
	return -ENOTTY;
}

static const struct file_operations bench_fops = {
	.unlocked_ioctl = bench_ioctl,
};
