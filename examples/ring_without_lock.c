// SPDX-License-Identifier: MIT
/* pin_user_pages() walks the VMAs, and nobody takes mmap_lock: neither the handler nor what it calls. */
#include <linux/fs.h>
#include <linux/mm.h>

static int ring_flush(unsigned long addr)
{
	struct page *page;

	/* finds: gup-without-mmap-lock */
	if (pin_user_pages(addr, 1, 0, &page) != 1)
		return -EFAULT;
	flush_dcache_page(page);
	unpin_user_page(page);
	return 0;
}

static long ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ring_flush(arg);
}

static const struct file_operations ring_fops = {
	.unlocked_ioctl = ring_ioctl,
};
