// SPDX-License-Identifier: MIT
/* Writing is refused at mmap; mprotect() asks for VM_MAYWRITE only. */
#include <linux/fs.h>
#include <linux/mm.h>

struct log {
	struct page *page;
};

/* holds */
static int log_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct log *l = file->private_data;

	if (vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYWRITE);
	return vm_insert_page(vma, vma->vm_start, l->page);
}

const struct file_operations log_fops = {
	.owner = THIS_MODULE,
	.mmap = log_mmap,
};
