// SPDX-License-Identifier: MIT
/* What vmalloc() gives has no frame that virt_to_phys() could tell. */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct stats {
	u64 packets;
	u64 bytes;
};

struct meter_file {
	struct stats *stats;
};

/* finds: wrong-memory */
static int stats_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct meter_file *m = file->private_data;

	if (vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, virt_to_phys(m->stats) >> PAGE_SHIFT,
			       PAGE_SIZE, vma->vm_page_prot);
}

static int stats_open(struct inode *inode, struct file *file)
{
	struct meter_file *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->stats = vmalloc(PAGE_SIZE);
	if (!m->stats) {
		kfree(m);
		return -ENOMEM;
	}
	file->private_data = m;
	return 0;
}

static int stats_release(struct inode *inode, struct file *file)
{
	struct meter_file *m = file->private_data;

	vfree(m->stats);
	kfree(m);
	return 0;
}

const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.open = stats_open,
	.release = stats_release,
	.mmap = stats_mmap,
};
