// SPDX-License-Identifier: MIT
/* The count is told by its address, and mmap begins with the first. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct meter {
	int maps;
	int users;
	void *page;
};

static void meter_drop(struct meter *m, int *count)
{
	--*count;
	if (m->maps == 0 && m->users == 0) {
		free_page((unsigned long)m->page);
		kfree(m);
	}
}

static void meter_open(struct vm_area_struct *vma)
{
	struct meter *m = vma->vm_private_data;

	++m->maps;
}

static void meter_close(struct vm_area_struct *vma)
{
	struct meter *m = vma->vm_private_data;

	meter_drop(m, &m->maps);
}

static const struct vm_operations_struct meter_vm_ops = {
	.open = meter_open,
	.close = meter_close,
};

/* holds */
static int meter_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct meter *m;

	if (vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!m->page) {
		kfree(m);
		return -ENOMEM;
	}
	m->maps = 1;
	vma->vm_private_data = m;
	vma->vm_ops = &meter_vm_ops;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(m->page) >> PAGE_SHIFT,
			       PAGE_SIZE, vma->vm_page_prot);
}

const struct file_operations meter_fops = {
	.owner = THIS_MODULE,
	.mmap = meter_mmap,
};
