// SPDX-License-Identifier: MIT
/* The page goes when the last mapping of it does. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct panel_status {
	void *page;
};

static int panel_status_open(struct inode *inode, struct file *file)
{
	struct panel_status *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	s->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!s->page) {
		kfree(s);
		return -ENOMEM;
	}
	file->private_data = s;
	return 0;
}

/* holds */
static vm_fault_t panel_status_fault(struct vm_fault *vmf)
{
	struct panel_status *s = vmf->vma->vm_private_data;

	if (vmf->pgoff > 0)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(s->page);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct panel_status_vm_ops = { .fault = panel_status_fault };

/* holds */
static int panel_status_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_private_data = file->private_data;
	vma->vm_ops = &panel_status_vm_ops;
	return 0;
}

static int panel_status_release(struct inode *inode, struct file *file)
{
	struct panel_status *s = file->private_data;

	free_page((unsigned long)s->page);
	kfree(s);
	return 0;
}

static const struct file_operations panel_status_fops = {
	.owner = THIS_MODULE,
	.open = panel_status_open,
	.mmap = panel_status_mmap,
	.release = panel_status_release,
};
