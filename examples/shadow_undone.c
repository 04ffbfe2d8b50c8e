// SPDX-License-Identifier: MIT
/* What fails behind the registration unregisters, then frees. */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct shadow {
	struct mmu_notifier mn;
	struct mutex lock;
	struct device *dev;
	unsigned long *table;
};

static int shadow_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct shadow *c = container_of(mn, struct shadow, mn);

	mutex_lock(&c->lock);
	zap_shadow(c, range->start, range->end);
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops shadow_ops = {
	.invalidate_range_start = shadow_invalidate,
};

int shadow_open(struct shadow **out, struct mm_struct *mm)
{
	struct shadow *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock);
	c->mn.ops = &shadow_ops;
	/* holds */
	ret = mmu_notifier_register(&c->mn, mm);
	if (ret) {
		kfree(c);
		return ret;
	}
	c->table = kcalloc(512, sizeof(*c->table), GFP_KERNEL);
	if (!c->table) {
		mmu_notifier_unregister(&c->mn, mm);
		kfree(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void shadow_close(struct shadow *c)
{
	mmu_notifier_unregister(&c->mn, c->mn.mm);
	kfree(c->table);
	kfree(c);
}
