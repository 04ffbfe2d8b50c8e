// SPDX-License-Identifier: MIT
/* The file is installed, then the copy of its number fails: it is put once more, and is user space's already. */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct stream {
	int id;
};

static int stream_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations stream_fops = {
	.release = stream_release,
};

int stream_open(int __user *to)
{
	struct stream *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct file *file;
	int fd;

	if (!s)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		kfree(s);
		return fd;
	}
	file = anon_inode_getfile("stream", &stream_fops, s, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kfree(s);
		return PTR_ERR(file);
	}
	/* finds: fd-published-early */
	fd_install(fd, file);
	if (copy_to_user(to, &fd, sizeof(fd))) {
		fput(file);
		return -EFAULT;
	}
	return 0;
}
