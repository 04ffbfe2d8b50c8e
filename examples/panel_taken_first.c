// SPDX-License-Identifier: MIT
/* The buffer is taken a reference to before the list's lock is dropped. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct panel_buf {
	struct list_head node;
	struct kref ref;
	unsigned long cookie;
	phys_addr_t phys;
	unsigned long size;
};

struct panel {
	struct mutex lock;
	struct list_head bufs;
};

static void panel_buf_free(struct kref *ref)
{
	struct panel_buf *buf = container_of(ref, struct panel_buf, ref);

	list_del(&buf->node);
	kfree(buf);
}

/* holds */
static int panel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct panel *b = file->private_data;
	struct panel_buf *buf;
	bool found = false;
	int ret;

	mutex_lock(&b->lock);
	list_for_each_entry(buf, &b->bufs, node) {
		if (buf->cookie == vma->vm_pgoff) {
			kref_get(&buf->ref);
			found = true;
			break;
		}
	}
	mutex_unlock(&b->lock);
	if (!found)
		return -ENOENT;
	ret = vm_iomap_memory(vma, buf->phys, buf->size);
	mutex_lock(&b->lock);
	kref_put(&buf->ref, panel_buf_free);
	mutex_unlock(&b->lock);
	return ret;
}

static long panel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct panel *b = file->private_data;
	struct panel_buf *buf, *next;

	mutex_lock(&b->lock);
	list_for_each_entry_safe(buf, next, &b->bufs, node)
		if (buf->cookie == arg)
			kref_put(&buf->ref, panel_buf_free);
	mutex_unlock(&b->lock);
	return 0;
}

static const struct file_operations panel_fops = {
	.owner = THIS_MODULE,
	.mmap = panel_mmap,
	.unlocked_ioctl = panel_ioctl,
};
