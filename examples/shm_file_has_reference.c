// SPDX-License-Identifier: MIT
/* The memory goes with the last reference; the file has one, and a mapping has the file. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#define SHM_FORGET _IO('s', 1)

struct shm {
	refcount_t refs;
	void *memory;
	size_t size;
};

static void shm_put(struct shm *s)
{
	if (!refcount_dec_and_test(&s->refs))
		return;
	free_pages_exact(s->memory, s->size);
	kfree(s);
}

static long shm_control(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shm *s = file->private_data;

	if (cmd != SHM_FORGET)
		return -ENOTTY;
	shm_put(s);
	return 0;
}

static const struct file_operations shm_control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = shm_control,
};

/* holds */
static int shm_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shm *s = file->private_data;
	size_t size = vma->vm_end - vma->vm_start;

	if (vma->vm_pgoff || size > s->size)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(s->memory) >> PAGE_SHIFT, size,
			       vma->vm_page_prot);
}

static int shm_release(struct inode *inode, struct file *file)
{
	shm_put(file->private_data);
	return 0;
}

static const struct file_operations shm_fops = {
	.owner = THIS_MODULE,
	.mmap = shm_mmap,
	.release = shm_release,
};

struct shm *shm_create(size_t size)
{
	struct shm *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->size = PAGE_ALIGN(size);
	s->memory = alloc_pages_exact(s->size, GFP_KERNEL | __GFP_ZERO);
	refcount_set(&s->refs, 1);
	return s;
}
