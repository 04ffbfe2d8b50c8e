// SPDX-License-Identifier: MIT
/* read(2): the device writes into memory. */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

ssize_t modem_read(struct device *dev, unsigned long addr, void (*receive)(dma_addr_t, size_t))
{
	struct page *page;
	dma_addr_t dma;
	int ret;

	/* holds */
	ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);
	if (ret != 1)
		return -EFAULT;
	dma = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, dma)) {
		unpin_user_page(page);
		return -EIO;
	}
	receive(dma, PAGE_SIZE);
	dma_unmap_page(dev, dma, PAGE_SIZE, DMA_FROM_DEVICE);
	unpin_user_pages_dirty_lock(&page, 1, true);
	return PAGE_SIZE;
}
