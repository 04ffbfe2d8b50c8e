// SPDX-License-Identifier: MIT
/* open takes by a header's function what close gives up by one of the file: a pair. */
#include <linux/fs.h>
#include <linux/mm.h>
#include "reel.h"

static void reel_put(struct reel *r)
{
	kref_put(&r->kref, reel_free);
}

static void reel_open(struct vm_area_struct *vma)
{
	reel_get(vma->vm_private_data);
}

static void reel_close(struct vm_area_struct *vma)
{
	reel_put(vma->vm_private_data);
}

static const struct vm_operations_struct reel_vm_ops = {
	.open = reel_open,
	.close = reel_close,
};

/* holds */
static int reel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct reel *r = file->private_data;

	if (vma->vm_end - vma->vm_start > PAGE_SIZE)
		return -EINVAL;
	reel_get(r);
	vma->vm_private_data = r;
	vma->vm_ops = &reel_vm_ops;
	return vm_insert_page(vma, vma->vm_start, r->page);
}

const struct file_operations reel_fops = {
	.mmap = reel_mmap,
};
