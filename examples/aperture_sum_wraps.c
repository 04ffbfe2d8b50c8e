// SPDX-License-Identifier: MIT
/*
 * The offset is added to where the aperture begins. With one near the top
 * of the numbers the sum wraps, and the check passes.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>

struct aperture {
	resource_size_t start;
	resource_size_t end;
};

/* finds: page-count-overflow */
static int aperture_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct aperture *a = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;
	resource_size_t phys = a->start + (vma->vm_pgoff << PAGE_SHIFT);

	if (phys + size > a->end)
		return -EINVAL;
	return io_remap_pfn_range(vma, vma->vm_start, phys >> PAGE_SHIFT, size,
				  vma->vm_page_prot);
}

static const struct file_operations aperture_fops = {
	.owner = THIS_MODULE,
	.mmap = aperture_mmap,
};
