// SPDX-License-Identifier: MIT
/*
 * A mapping looks its buffer up in a list, drops the list's lock, and uses
 * the buffer: an ioctl of another thread may have freed it by then.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct board_buf {
	struct list_head node;
	struct kref ref;
	unsigned long cookie;
	phys_addr_t phys;
	unsigned long size;
};

struct board {
	struct mutex lock;
	struct list_head bufs;
};

static void board_buf_free(struct kref *ref)
{
	struct board_buf *buf = container_of(ref, struct board_buf, ref);

	list_del(&buf->node);
	kfree(buf);
}

/* finds: use-after-unlock */
static int board_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct board *b = file->private_data;
	struct board_buf *buf;
	bool found = false;

	mutex_lock(&b->lock);
	list_for_each_entry(buf, &b->bufs, node) {
		if (buf->cookie == vma->vm_pgoff) {
			found = true;
			break;
		}
	}
	mutex_unlock(&b->lock);
	if (!found)
		return -ENOENT;
	return vm_iomap_memory(vma, buf->phys, buf->size);
}

static long board_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct board *b = file->private_data;
	struct board_buf *buf, *next;

	mutex_lock(&b->lock);
	list_for_each_entry_safe(buf, next, &b->bufs, node)
		if (buf->cookie == arg)
			kref_put(&buf->ref, board_buf_free);
	mutex_unlock(&b->lock);
	return 0;
}

static const struct file_operations board_fops = {
	.owner = THIS_MODULE,
	.mmap = board_mmap,
	.unlocked_ioctl = board_ioctl,
};
