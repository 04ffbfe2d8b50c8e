// SPDX-License-Identifier: MIT
/*
 * The story that tenure began with: a capture driver turns a PFN into a bus
 * address, keeps it in the buffer and hands it to the camera at every frame.
 */
#include <linux/mm.h>
#include <linux/types.h>

struct camera_buffer {
	unsigned long uaddr;
	size_t size;
	dma_addr_t dma;
};

static int camera_attach(struct camera_buffer *buf)
{
	struct mm_struct *mm = current->mm;
	unsigned long addr = buf->uaddr, pfn, first = 0;
	struct vm_area_struct *vma;
	size_t done;
	int ret = -EINVAL;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr); /* holds */
	if (!vma || buf->uaddr + buf->size > vma->vm_end)
		goto out;

	for (done = 0; done < buf->size >> PAGE_SHIFT; done++) {
		/* finds: pfn-outlives-lock */
		ret = follow_pfn(vma, addr, &pfn);
		if (ret)
			break;
		if (done == 0) {
			first = pfn;
			buf->dma = (dma_addr_t)pfn << PAGE_SHIFT;
		} else if (pfn != first + done) {
			ret = -EFAULT;
			break;
		}
		addr += PAGE_SIZE;
	}
out:
	mmap_read_unlock(mm);
	return ret;
}

int camera_start(struct camera_buffer *buf, void __iomem *regs)
{
	int ret = camera_attach(buf);

	if (!ret)
		writel(lower_32_bits(buf->dma), regs);
	return ret;
}
