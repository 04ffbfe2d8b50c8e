// SPDX-License-Identifier: MIT
/* When nothing could be pinned there is nothing to give back, and that is asked. */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>

static ssize_t gauge_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct page *pages[4];
	int got;

	/* holds */
	got = pin_user_pages_fast((unsigned long)from, 4, 0, pages);
	if (got != 4) {
		if (got > 0)
			unpin_user_pages(pages, got);
		return -EFAULT;
	}
	unpin_user_pages(pages, 4);
	return count;
}

static const struct file_operations gauge_fops = {
	.write = gauge_write,
};
