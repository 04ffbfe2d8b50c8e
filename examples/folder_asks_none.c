// SPDX-License-Identifier: MIT
/* Each picture has its own count of mappings, and none is asked for before the memory is freed. */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#define PICTURES 4

struct folder {
	unsigned long mem;
	int mapped[PICTURES];
};

static struct folder folder;

static void folder_vm_open(struct vm_area_struct *vma)
{
	folder.mapped[(long)vma->vm_private_data]++;
}

static void folder_vm_close(struct vm_area_struct *vma)
{
	folder.mapped[(long)vma->vm_private_data]--;
}

static const struct vm_operations_struct folder_vm_ops = {
	.open = folder_vm_open,
	.close = folder_vm_close,
};

/* finds: freed-while-mapped */
static int folder_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret;

	if (vma->vm_pgoff >= PICTURES || vma_pages(vma) != 1)
		return -EINVAL;
	if (!folder.mem)
		folder.mem = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	if (!folder.mem)
		return -ENOMEM;
	ret = remap_pfn_range(vma, vma->vm_start, (__pa(folder.mem) >> PAGE_SHIFT) + vma->vm_pgoff, PAGE_SIZE,
			      vma->vm_page_prot);
	if (ret)
		return ret;
	vma->vm_private_data = (void *)vma->vm_pgoff;
	vma->vm_ops = &folder_vm_ops;
	folder_vm_open(vma);
	return 0;
}

static long folder_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	free_pages(folder.mem, 2);
	folder.mem = 0;
	return 0;
}

const struct file_operations folder_fops = {
	.owner = THIS_MODULE,
	.mmap = folder_mmap,
	.unlocked_ioctl = folder_ioctl,
};
