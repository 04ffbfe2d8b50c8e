// SPDX-License-Identifier: MIT
/* FOLL_WRITE is 1, and "does the device write" is the same question. */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

int bulk_transfer(struct device *dev, unsigned long addr, bool is_read, void (*go)(dma_addr_t))
{
	enum dma_data_direction dir = is_read ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	struct page *page;
	dma_addr_t dma;

	/* holds */
	if (pin_user_pages_fast(addr, 1, is_read, &page) != 1)
		return -EFAULT;
	dma = dma_map_page(dev, page, 0, PAGE_SIZE, dir);
	if (dma_mapping_error(dev, dma)) {
		unpin_user_page(page);
		return -EIO;
	}
	go(dma);
	dma_unmap_page(dev, dma, PAGE_SIZE, dir);
	unpin_user_pages_dirty_lock(&page, 1, is_read);
	return 0;
}
