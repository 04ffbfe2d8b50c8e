// SPDX-License-Identifier: MIT
/* The mappings are taken away under the lock that a fault takes, too, and it finds nothing any more. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define FRAMES_DROP _IO('f', 1)

struct frames {
	struct mutex lock;
	void *memory;
};

/* holds */
static vm_fault_t frames_fault(struct vm_fault *vmf)
{
	struct frames *f = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	mutex_lock(&f->lock);
	if (!vmf->pgoff && f->memory)
		ret = vmf_insert_pfn(vmf->vma, vmf->address, virt_to_phys(f->memory) >> PAGE_SHIFT);
	mutex_unlock(&f->lock);
	return ret;
}

static const struct vm_operations_struct frames_vm_ops = {
	.fault = frames_fault,
};

/* holds */
static int frames_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND);
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &frames_vm_ops;
	return 0;
}

static long frames_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct frames *f = file->private_data;

	if (cmd != FRAMES_DROP)
		return -ENOTTY;
	mutex_lock(&f->lock);
	unmap_mapping_range(file->f_mapping, 0, 0, 1);
	free_page((unsigned long)f->memory);
	f->memory = NULL;
	mutex_unlock(&f->lock);
	return 0;
}

static int frames_open(struct inode *inode, struct file *file)
{
	struct frames *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->memory = (void *)get_zeroed_page(GFP_KERNEL);
	mutex_init(&f->lock);
	file->private_data = f;
	return f->memory ? 0 : -ENOMEM;
}

const struct file_operations frames_fops = {
	.owner = THIS_MODULE,
	.open = frames_open,
	.mmap = frames_mmap,
	.unlocked_ioctl = frames_ioctl,
};
