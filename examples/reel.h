/* SPDX-License-Identifier: MIT */
#include <linux/kref.h>

struct reel {
	struct kref kref;
	struct page *page;
};

void reel_free(struct kref *kref);

static inline void reel_get(struct reel *r)
{
	kref_get(&r->kref);
}
