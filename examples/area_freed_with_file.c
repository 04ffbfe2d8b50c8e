// SPDX-License-Identifier: MIT
/* The area is freed with the file that has it, and a mapping has its file. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define AREA_SIZE (4 * PAGE_SIZE)
#define AREA_ALLOC _IO('a', 1)

struct area {
	struct mutex lock;
	void *memory;
};

static int area_alloc(struct area *a)
{
	if (a->memory)
		return -EBUSY;
	a->memory = alloc_pages_exact(AREA_SIZE, GFP_KERNEL | __GFP_ZERO);
	return a->memory ? 0 : -ENOMEM;
}

static void area_free(struct area *a)
{
	if (a->memory)
		free_pages_exact(a->memory, AREA_SIZE);
	a->memory = NULL;
}

static long area_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct area *a = file->private_data;
	int ret = 0;

	mutex_lock(&a->lock);
	switch (cmd) {
	case AREA_ALLOC:
		ret = area_alloc(a);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&a->lock);
	return ret;
}

/* holds */
static int area_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct area *a = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;
	int ret = -EINVAL;

	mutex_lock(&a->lock);
	if (a->memory && !vma->vm_pgoff && size <= AREA_SIZE)
		ret = remap_pfn_range(vma, vma->vm_start, virt_to_phys(a->memory) >> PAGE_SHIFT,
				      size, vma->vm_page_prot);
	mutex_unlock(&a->lock);
	return ret;
}

static int area_release(struct inode *inode, struct file *file)
{
	struct area *a = file->private_data;

	area_free(a);
	kfree(a);
	return 0;
}

const struct file_operations area_fops = {
	.owner = THIS_MODULE,
	.mmap = area_mmap,
	.unlocked_ioctl = area_ioctl,
	.release = area_release,
};
