// SPDX-License-Identifier: MIT
/* Fewer pages than asked for stay in the array of the object, which knows nothing of them; all of them are given back where mapping fails. */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/mm.h>

struct tray {
	struct device *dev;
	struct page *map[64];
	struct scatterlist sgl[64];
	int nr;
};

static int tray_setup(struct tray *tray, unsigned long start, int nr)
{
	int got, i;

	/* finds: partial-pin */
	got = pin_user_pages_unlocked(start, nr, tray->map, 0);
	if (got != nr) {
		if (got >= 0) {
			return -EINVAL;
		}
		return got;
	}
	for (i = 0; i < nr; i++)
		sg_set_page(&tray->sgl[i], tray->map[i], PAGE_SIZE, 0);
	if (!dma_map_sg(tray->dev, tray->sgl, nr, DMA_TO_DEVICE)) {
		unpin_user_pages(tray->map, nr);
		return -EINVAL;
	}
	tray->nr = nr;
	return nr;
}

static void tray_done(struct tray *tray)
{
	dma_unmap_sg(tray->dev, tray->sgl, tray->nr, DMA_TO_DEVICE);
	unpin_user_pages(tray->map, tray->nr);
	tray->nr = 0;
}

static ssize_t tray_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	struct tray *tray = file->private_data;
	int nr = tray_setup(tray, (unsigned long)from, 4);

	if (nr < 0)
		return nr;
	wait_for_device(tray->dev);
	tray_done(tray);
	return count;
}

static const struct file_operations tray_fops = {
	.write = tray_write,
};
