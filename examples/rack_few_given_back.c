// SPDX-License-Identifier: MIT
/* Fewer pages than asked for are given back, as all of them are where mapping fails. */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/mm.h>

struct rack {
	struct device *dev;
	struct page *map[64];
	struct scatterlist sgl[64];
	int nr;
};

static int rack_setup(struct rack *rack, unsigned long start, int nr)
{
	int got, i;

	/* holds */
	got = pin_user_pages_unlocked(start, nr, rack->map, 0);
	if (got != nr) {
		if (got >= 0) {
			unpin_user_pages(rack->map, got);
			return -EINVAL;
		}
		return got;
	}
	for (i = 0; i < nr; i++)
		sg_set_page(&rack->sgl[i], rack->map[i], PAGE_SIZE, 0);
	if (!dma_map_sg(rack->dev, rack->sgl, nr, DMA_TO_DEVICE)) {
		unpin_user_pages(rack->map, nr);
		return -EINVAL;
	}
	rack->nr = nr;
	return nr;
}

static void rack_done(struct rack *rack)
{
	dma_unmap_sg(rack->dev, rack->sgl, rack->nr, DMA_TO_DEVICE);
	unpin_user_pages(rack->map, rack->nr);
	rack->nr = 0;
}

static ssize_t rack_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct rack *rack = file->private_data;
	int nr = rack_setup(rack, (unsigned long)from, 4);

	if (nr < 0)
		return nr;
	wait_for_device(rack->dev);
	rack_done(rack);
	return count;
}

static const struct file_operations rack_fops = {
	.write = rack_write,
};
