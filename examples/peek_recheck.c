// SPDX-License-Identifier: MIT
/* Looks up again, compares, and copies while the second look-up is held. */
#include <linux/io.h>
#include <linux/mm.h>

static int peek_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	resource_size_t phys;
	void __iomem *maddr;
	int ret = -EINVAL;

again:
	/* holds */
	if (follow_pfnmap_start(&args))
		return -EINVAL;
	phys = (resource_size_t)args.pfn << PAGE_SHIFT;
	follow_pfnmap_end(&args);

	maddr = ioremap(phys, PAGE_SIZE);
	if (!maddr)
		return -ENOMEM;

	/* holds */
	if (follow_pfnmap_start(&args))
		goto unmap;
	if (phys != (resource_size_t)args.pfn << PAGE_SHIFT) {
		follow_pfnmap_end(&args);
		iounmap(maddr);
		goto again;
	}
	if (write)
		memcpy_toio(maddr + offset_in_page(addr), buf, len);
	else
		memcpy_fromio(buf, maddr + offset_in_page(addr), len);
	ret = len;
	follow_pfnmap_end(&args);
unmap:
	iounmap(maddr);
	return ret;
}

static const struct vm_operations_struct peek_vm_ops = {
	.access = peek_access,
};
