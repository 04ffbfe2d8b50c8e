// SPDX-License-Identifier: MIT
/* Each picture has its own count of mappings, and all of them are asked for before the memory is freed. */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#define PICTURES 4

struct album {
	unsigned long mem;
	int mapped[PICTURES];
};

static struct album album;

static void album_vm_open(struct vm_area_struct *vma)
{
	album.mapped[(long)vma->vm_private_data]++;
}

static void album_vm_close(struct vm_area_struct *vma)
{
	album.mapped[(long)vma->vm_private_data]--;
}

static const struct vm_operations_struct album_vm_ops = {
	.open = album_vm_open,
	.close = album_vm_close,
};

/* holds */
static int album_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret;

	if (vma->vm_pgoff >= PICTURES || vma_pages(vma) != 1)
		return -EINVAL;
	if (!album.mem)
		album.mem = __get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	if (!album.mem)
		return -ENOMEM;
	ret = remap_pfn_range(vma, vma->vm_start, (__pa(album.mem) >> PAGE_SHIFT) + vma->vm_pgoff, PAGE_SIZE,
			      vma->vm_page_prot);
	if (ret)
		return ret;
	vma->vm_private_data = (void *)vma->vm_pgoff;
	vma->vm_ops = &album_vm_ops;
	album_vm_open(vma);
	return 0;
}

static long album_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	int i;

	for (i = 0; i < PICTURES; i++)
		if (album.mapped[i])
			return -EBUSY;
	free_pages(album.mem, 2);
	album.mem = 0;
	return 0;
}

const struct file_operations album_fops = {
	.owner = THIS_MODULE,
	.mmap = album_mmap,
	.unlocked_ioctl = album_ioctl,
};
