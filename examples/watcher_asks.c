// SPDX-License-Identifier: MIT
/* Registering may fail: then there is no watcher. */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/slab.h>

struct watcher {
	struct mmu_notifier mn;
	struct mutex lock;
	struct device *dev;
	unsigned long *table;
};

static int watcher_invalidate(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct watcher *c = container_of(mn, struct watcher, mn);

	mutex_lock(&c->lock);
	zap_watcher(c, range->start, range->end);
	mutex_unlock(&c->lock);
	return 0;
}

static const struct mmu_notifier_ops watcher_ops = {
	.invalidate_range_start = watcher_invalidate,
};

int watcher_open(struct watcher **out, struct mm_struct *mm)
{
	struct watcher *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock);
	c->mn.ops = &watcher_ops;
	/* holds */
	ret = mmu_notifier_register(&c->mn, mm);
	if (ret) {
		kfree(c);
		return ret;
	}
	*out = c;
	return 0;
}

void watcher_close(struct watcher *c)
{
	mmu_notifier_unregister(&c->mn, c->mn.mm);
	kfree(c);
}
