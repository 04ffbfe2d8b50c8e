// SPDX-License-Identifier: MIT
/* Each mapping holds its buffer, a copy of one as well. */
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct buffer {
	struct kref ref;
	unsigned long pfn;
	size_t size;
};

static void buffer_release(struct kref *ref)
{
	struct buffer *b = container_of(ref, struct buffer, ref);

	free_pages((unsigned long)pfn_to_kaddr(b->pfn), get_order(b->size));
	kfree(b);
}

static void buffer_open(struct vm_area_struct *vma)
{
	struct buffer *b = vma->vm_private_data;

	kref_get(&b->ref);
}

static void buffer_close(struct vm_area_struct *vma)
{
	struct buffer *b = vma->vm_private_data;

	kref_put(&b->ref, buffer_release);
}

static const struct vm_operations_struct buffer_vm_ops = {
	.open = buffer_open,
	.close = buffer_close,
};

/* holds */
static int buffer_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct buffer *b = file->private_data;
	size_t size = vma->vm_end - vma->vm_start;

	if (vma->vm_pgoff || size > b->size)
		return -EINVAL;
	kref_get(&b->ref);
	vma->vm_private_data = b;
	vma->vm_ops = &buffer_vm_ops;
	return remap_pfn_range(vma, vma->vm_start, b->pfn, size, vma->vm_page_prot);
}

const struct file_operations buffer_fops = {
	.owner = THIS_MODULE,
	.mmap = buffer_mmap,
};
