// SPDX-License-Identifier: MIT
/*
 * ioremap() sleeps, so the look-up has to end before it. Using the mapping
 * without looking again trusts a PFN that may belong to somebody else by now.
 */
#include <linux/io.h>
#include <linux/mm.h>

static int peek_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	resource_size_t phys;
	void __iomem *maddr;

	/* finds: pfn-outlives-lock */
	if (follow_pfnmap_start(&args))
		return -EINVAL;
	phys = (resource_size_t)args.pfn << PAGE_SHIFT;
	follow_pfnmap_end(&args);

	maddr = ioremap(phys, PAGE_SIZE);
	if (!maddr)
		return -ENOMEM;
	if (write)
		memcpy_toio(maddr + offset_in_page(addr), buf, len);
	else
		memcpy_fromio(buf, maddr + offset_in_page(addr), len);
	iounmap(maddr);
	return len;
}

static const struct vm_operations_struct peek_vm_ops = {
	.access = peek_access,
};
