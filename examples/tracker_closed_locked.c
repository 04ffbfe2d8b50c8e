// SPDX-License-Identifier: MIT
/* The notifier is unregistered under the lock that its callback takes, and waits for that callback. */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct tracker {
	struct mmu_notifier mn;
	struct mutex lock;
	struct device *dev;
	unsigned long *table;
};

static int tracker_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct tracker *c = container_of(mn, struct tracker, mn);

	mutex_lock(&c->lock);
	zap_tracker(c, range->start, range->end);
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops tracker_ops = {
	.invalidate_range_start = tracker_invalidate,
};

int tracker_open(struct tracker **out, struct mm_struct *mm)
{
	struct tracker *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock);
	c->mn.ops = &tracker_ops;
	/* finds: notifier-deadlock */
	ret = mmu_notifier_register(&c->mn, mm);
	if (ret) {
		kfree(c);
		return ret;
	}
	*out = c;
	return 0;
}

void tracker_close(struct tracker *c)
{
	mutex_lock(&c->lock);
	mmu_notifier_unregister(&c->mn, c->mn.mm);
	mutex_unlock(&c->lock);
	kfree(c);
}
