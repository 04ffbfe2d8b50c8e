// SPDX-License-Identifier: MIT
/* The notifier is put; the object goes in its free callback, when nobody looks into it any more. */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct mapper {
	struct mmu_notifier mn;
	struct mutex lock;
	struct device *dev;
	unsigned long *table;
};

static int mapper_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mapper *c = container_of(mn, struct mapper, mn);

	mutex_lock(&c->lock);
	zap_mapper(c, range->start, range->end);
	mutex_unlock(&c->lock);
	return 0;
}

static void mapper_free(struct mmu_notifier *mn)
{
	kfree(container_of(mn, struct mapper, mn));
}

static const struct mmu_notifier_ops mapper_ops = {
	.invalidate_range_start = mapper_invalidate,
	.free_notifier = mapper_free,
};

int mapper_open(struct mapper **out, struct mm_struct *mm)
{
	struct mapper *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock);
	c->mn.ops = &mapper_ops;
	/* holds */
	ret = mmu_notifier_register(&c->mn, mm);
	if (ret) {
		kfree(c);
		return ret;
	}
	*out = c;
	return 0;
}

void mapper_close(struct mapper *c)
{
	mmu_notifier_put(&c->mn);
}
