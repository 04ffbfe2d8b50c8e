// SPDX-License-Identifier: MIT
/* What has wrapped lies before the beginning, and that is asked, too. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>

struct aperture_span {
	resource_size_t start;
	resource_size_t end;
};

/* holds */
static int aperture_map(struct file *file, struct vm_area_struct *vma)
{
	struct aperture_span *a = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start;
	resource_size_t phys = a->start + (vma->vm_pgoff << PAGE_SHIFT);

	if (phys < a->start || phys + size > a->end)
		return -EINVAL;
	return io_remap_pfn_range(vma, vma->vm_start, phys >> PAGE_SHIFT, size,
				  vma->vm_page_prot);
}

static const struct file_operations aperture_map_fops = {
	.owner = THIS_MODULE,
	.mmap = aperture_map,
};
