// SPDX-License-Identifier: MIT
/* When the driver is unbound its page goes to whoever is next; who has it mapped keeps it. */
#include <linux/dma-mapping.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/platform_device.h>

struct panel {
	struct miscdevice misc;
	void *shared;
	dma_addr_t dma;
};

/* finds: no-revocation */
static int panel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct panel *p = container_of(file->private_data, struct panel, misc);

	return dma_mmap_coherent(p->misc.parent, vma, p->shared, p->dma, PAGE_SIZE);
}

static const struct file_operations panel_fops = {
	.owner = THIS_MODULE,
	.mmap = panel_mmap,
};

static int panel_probe(struct platform_device *pdev)
{
	struct panel *p = devm_kzalloc(&pdev->dev, sizeof(*p), GFP_KERNEL);
	int ret;

	if (!p)
		return -ENOMEM;
	p->shared = dma_alloc_coherent(&pdev->dev, PAGE_SIZE, &p->dma, GFP_KERNEL);
	if (!p->shared)
		return -ENOMEM;
	p->misc.name = "panel";
	p->misc.parent = &pdev->dev;
	p->misc.fops = &panel_fops;
	ret = misc_register(&p->misc);
	if (ret)
		dma_free_coherent(&pdev->dev, PAGE_SIZE, p->shared, p->dma);
	else
		platform_set_drvdata(pdev, p);
	return ret;
}

static void panel_remove(struct platform_device *pdev)
{
	struct panel *p = platform_get_drvdata(pdev);

	misc_deregister(&p->misc);
	dma_free_coherent(&pdev->dev, PAGE_SIZE, p->shared, p->dma);
}

static struct platform_driver panel_driver = {
	.probe = panel_probe,
	.remove = panel_remove,
	.driver = { .name = "panel" },
};
module_platform_driver(panel_driver);
