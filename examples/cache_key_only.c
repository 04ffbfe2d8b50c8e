// SPDX-License-Identifier: MIT
/*
 * The address is a key in a table of memory types and nothing else: nobody
 * touches the memory through it, so it does not matter whose it is by then.
 */
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/slab.h>

struct memkind {
	struct rb_node node;
	u64 start;
	u64 end;
	int kind;
};

static struct rb_root memkinds = RB_ROOT;

static int memkind_of(u64 start)
{
	struct rb_node *n = memkinds.rb_node;

	while (n) {
		struct memkind *m = rb_entry(n, struct memkind, node);

		if (start < m->start)
			n = n->rb_left;
		else if (start >= m->end)
			n = n->rb_right;
		else
			return m->kind;
	}
	return -ENOENT;
}

static int memkind_reserve(u64 start, u64 size, int kind)
{
	struct memkind *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->start = start;
	m->end = start + size;
	m->kind = kind;
	rb_insert_color(&m->node, &memkinds);
	return 0;
}

int memkind_track(struct vm_area_struct *vma, int kind)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = vma->vm_start };
	u64 phys;

	/* holds */
	if (follow_pfnmap_start(&args))
		return -EINVAL;
	phys = (u64)args.pfn << PAGE_SHIFT;
	follow_pfnmap_end(&args);
	if (memkind_of(phys) >= 0)
		return -EBUSY;
	return memkind_reserve(phys, vma->vm_end - vma->vm_start, kind);
}
