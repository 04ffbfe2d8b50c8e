// SPDX-License-Identifier: MIT
/* What a mapping needs is made by mmap and freed by ->close; it is neither copied nor split. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>

#define SEGMENT_PAGES 4

struct segment {
	void *memory;
};

static void segment_close(struct vm_area_struct *vma)
{
	struct segment *s = vma->vm_private_data;

	free_pages_exact(s->memory, SEGMENT_PAGES << PAGE_SHIFT);
	kfree(s);
}

static int segment_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct segment_vm_ops = {
	.close = segment_close,
	.may_split = segment_may_split,
};

/* holds */
static int segment_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct segment *s;

	if (vma->vm_pgoff || vma_pages(vma) != SEGMENT_PAGES)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->memory = alloc_pages_exact(SEGMENT_PAGES << PAGE_SHIFT, GFP_KERNEL | __GFP_ZERO);
	if (!s->memory) {
		kfree(s);
		return -ENOMEM;
	}
	vm_flags_set(vma, VM_DONTCOPY);
	vma->vm_private_data = s;
	vma->vm_ops = &segment_vm_ops;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(s->memory) >> PAGE_SHIFT,
			       SEGMENT_PAGES << PAGE_SHIFT, vma->vm_page_prot);
}

const struct file_operations segment_fops = {
	.owner = THIS_MODULE,
	.mmap = segment_mmap,
};
