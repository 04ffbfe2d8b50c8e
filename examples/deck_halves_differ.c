// SPDX-License-Identifier: MIT
/* Two pages behind one file. The first may only be read, and mprotect() cannot change that; files that are not open for writing need nothing. */
#include <linux/fs.h>
#include <linux/mm.h>

struct deck {
	struct page *in;
	struct page *out;
};

/* holds */
static int deck_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct deck *d = file->private_data;
	bool in = vma->vm_pgoff == 0;

	if (vma->vm_pgoff > 1 || vma_pages(vma) != 1)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE) && (vma->vm_flags & VM_WRITE))
		return -EACCES;
	if (in && (vma->vm_flags & VM_WRITE))
		return -EPERM;
	if (in)
		vm_flags_clear(vma, VM_MAYWRITE);
	return vm_insert_page(vma, vma->vm_start, in ? d->in : d->out);
}

const struct file_operations deck_fops = {
	.owner = THIS_MODULE,
	.mmap = deck_mmap,
};
