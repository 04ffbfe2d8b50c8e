// SPDX-License-Identifier: MIT
/* The ioctl takes the lock; on a killed process it comes to nothing. */
#include <linux/fs.h>
#include <linux/mm.h>

static bool range_may_write(unsigned long addr)
{
	struct vm_area_struct *vma;

	/* holds */
	vma = vma_lookup(current->mm, addr);
	return vma && (vma->vm_flags & VM_WRITE);
}

static long range_locked_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	long ret;

	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	ret = range_may_write(arg);
	mmap_read_unlock(current->mm);
	return ret;
}

static const struct file_operations range_locked_fops = {
	.unlocked_ioctl = range_locked_ioctl,
};
