// SPDX-License-Identifier: MIT
/* An ioctl asks what the address is, and takes no lock for it. */
#include <linux/fs.h>
#include <linux/mm.h>

static bool range_is_io(unsigned long addr)
{
	struct vm_area_struct *vma;

	/* finds: gup-without-mmap-lock */
	vma = vma_lookup(current->mm, addr);
	return vma && (vma->vm_flags & VM_IO);
}

static long range_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return range_is_io(arg);
}

static const struct file_operations range_fops = {
	.unlocked_ioctl = range_ioctl,
};
