// SPDX-License-Identifier: MIT
/* The number of the new descriptor goes to the user by copy_to_user(), which can fail. */
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/uaccess.h>

struct last_export_args {
	__u64 size;
	__s32 fd;
	__u32 pad;
};

int last_buffer_export(struct dma_buf_export_info *info, struct last_export_args __user *u)
{
	struct last_export_args args = {};
	struct dma_buf *exported;

	/* holds */
	exported = dma_buf_export(info);
	if (IS_ERR(exported))
		return PTR_ERR(exported);
	args.fd = get_unused_fd_flags(O_CLOEXEC);
	if (args.fd < 0) {
		dma_buf_put(exported);
		return args.fd;
	}
	args.size = exported->size;
	if (copy_to_user(u, &args, sizeof(args))) {
		put_unused_fd(args.fd);
		dma_buf_put(exported);
		return -EFAULT;
	}
	/* holds */
	fd_install(args.fd, exported->file);
	return 0;
}
