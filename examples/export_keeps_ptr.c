// SPDX-License-Identifier: MIT
/* The object goes with the dma-buf once that is published; until then it is freed when the function leaves. */
#include <linux/cleanup.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/slab.h>

struct keeps_object {
	struct dma_buf *exported;
	int number;
};

int keeps_export(struct dma_buf_export_info *info)
{
	struct keeps_object *o __free(kfree) = NULL;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	o = kzalloc(sizeof(*o), GFP_KERNEL);
	if (!o) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	/* holds */
	o->exported = dma_buf_export(info);
	if (IS_ERR(o->exported)) {
		put_unused_fd(fd);
		return PTR_ERR(o->exported);
	}
	o->number = fd;
	/* holds */
	fd_install(fd, no_free_ptr(o)->exported->file);
	return 0;
}
