// SPDX-License-Identifier: MIT
/* What is behind the descriptor is looked at without the lock that its release waits for. */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct probe_owner {
	struct mutex lock;
};

struct probe {
	struct probe_owner *owner;
	int enabled;
};

static int probe_release(struct inode *inode, struct file *file)
{
	struct probe *p = file->private_data;
	struct probe_owner *o = p->owner;

	mutex_lock(&o->lock);
	kfree(p);
	mutex_unlock(&o->lock);
	return 0;
}

static const struct file_operations probe_fops = {
	.release = probe_release,
};

int probe_open(struct probe_owner *o)
{
	struct probe *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int fd;

	if (!p)
		return -ENOMEM;
	p->owner = o;
	/* finds: fd-published-early */
	fd = anon_inode_getfd("probe", &probe_fops, p, O_CLOEXEC);
	if (fd < 0)
		kfree(p);
	else
		p->enabled = 1;
	return fd;
}
