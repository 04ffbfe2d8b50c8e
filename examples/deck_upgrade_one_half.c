// SPDX-License-Identifier: MIT
/* Two pages behind one file. The first may only be read; its mapping keeps VM_MAYWRITE. */
#include <linux/fs.h>
#include <linux/mm.h>

struct deck {
	struct page *in;
	struct page *out;
};

/* finds: mprotect-upgrade */
static int deck_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct deck *d = file->private_data;
	bool in = vma->vm_pgoff == 0;

	if (vma->vm_pgoff > 1 || vma_pages(vma) != 1)
		return -EINVAL;
	if (in && (vma->vm_flags & VM_WRITE))
		return -EPERM;
	return vm_insert_page(vma, vma->vm_start, in ? d->in : d->out);
}

const struct file_operations deck_fops = {
	.owner = THIS_MODULE,
	.mmap = deck_mmap,
};
