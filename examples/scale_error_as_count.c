// SPDX-License-Identifier: MIT
/* When nothing could be pinned the error is given back as a number of pages. */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>

static ssize_t scale_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct page *pages[4];
	int got;

	/* finds: over-unpin */
	got = pin_user_pages_fast((unsigned long)from, 4, 0, pages);
	if (got != 4) {
		unpin_user_pages(pages, got);
		return -EFAULT;
	}
	unpin_user_pages(pages, 4);
	return count;
}

static const struct file_operations scale_fops = {
	.write = scale_write,
};
