// SPDX-License-Identifier: MIT
/* A reader is put behind a descriptor, and looked at behind that: another thread may have closed it. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct reader {
	unsigned int id;
	void *pages;
};

static int reader_release(struct inode *inode, struct file *file)
{
	struct reader *r = file->private_data;

	kvfree(r->pages);
	kfree(r);
	return 0;
}

static const struct file_operations reader_fops = {
	.release = reader_release,
};

int reader_create(unsigned int __user *id)
{
	struct reader *r = kzalloc(sizeof(*r), GFP_KERNEL);
	int fd;

	if (!r)
		return -ENOMEM;
	/* finds: fd-published-early */
	fd = anon_inode_getfd("reader", &reader_fops, r, O_CLOEXEC);
	if (fd < 0) {
		kfree(r);
		return fd;
	}
	if (put_user(r->id, id))
		return -EFAULT;
	return fd;
}
