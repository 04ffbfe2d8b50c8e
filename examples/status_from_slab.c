// SPDX-License-Identifier: MIT
/* A reference to a page of the slab allocator keeps nothing. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct status {
	void *page;
};

static int status_open(struct inode *inode, struct file *file)
{
	struct status *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!s->page) {
		kfree(s);
		return -ENOMEM;
	}
	file->private_data = s;
	return 0;
}

/* finds: wrong-memory */
static vm_fault_t status_fault(struct vm_fault *vmf)
{
	struct status *s = vmf->vma->vm_private_data;

	if (vmf->pgoff > 0)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(s->page);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct status_vm_ops = { .fault = status_fault };

/* finds: wrong-memory */
static int status_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &status_vm_ops;
	return 0;
}

static int status_release(struct inode *inode, struct file *file)
{
	struct status *s = file->private_data;

	kfree(s->page);
	kfree(s);
	return 0;
}

static const struct file_operations status_fops = {
	.owner = THIS_MODULE,
	.open = status_open,
	.mmap = status_mmap,
	.release = status_release,
};
