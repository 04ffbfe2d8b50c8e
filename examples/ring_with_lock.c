// SPDX-License-Identifier: MIT
/* pin_user_pages() walks the VMAs under the mmap_lock that the handler takes. */
#include <linux/fs.h>
#include <linux/mm.h>

static int ring_flush(unsigned long addr)
{
	struct page *page;

	/* holds */
	if (pin_user_pages(addr, 1, 0, &page) != 1)
		return -EFAULT;
	flush_dcache_page(page);
	unpin_user_page(page);
	return 0;
}

static long ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	int ret;

	mmap_read_lock(current->mm);
	ret = ring_flush(arg);
	mmap_read_unlock(current->mm);
	return ret;
}

static const struct file_operations ring_fops = {
	.unlocked_ioctl = ring_ioctl,
};
