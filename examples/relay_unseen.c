// SPDX-License-Identifier: MIT
/* Who takes the address is not here: nobody can say what becomes of it. */
#include <linux/mm.h>

int relay_post(unsigned long channel, phys_addr_t where);

int relay_send(unsigned long channel, unsigned long uaddr)
{
	struct follow_pfnmap_args args = { .address = uaddr };
	int ret;

	mmap_read_lock(current->mm);
	args.vma = vma_lookup(current->mm, uaddr); /* holds */
	if (!args.vma) {
		ret = -EINVAL;
		goto unlock;
	}
	/* unknown: it is passed to relay_post(), whose body is not seen */
	ret = follow_pfnmap_start(&args);
	if (ret)
		goto unlock;
	ret = relay_post(channel, PFN_PHYS(args.pfn));
	follow_pfnmap_end(&args);
unlock:
	mmap_read_unlock(current->mm);
	return ret;
}
