// SPDX-License-Identifier: MIT
/* The struct around is freed through container_of() with the page in it still pinned. */
#include <linux/mm.h>
#include <linux/slab.h>

struct region {
	unsigned long start;
	bool remote;
};

struct local_region {
	struct region region;
	struct page *page;
};

struct window {
	struct region *region;
	void *table;
};

static inline struct local_region *to_local(struct region *region)
{
	return container_of(region, struct local_region, region);
}

struct region *region_get(unsigned long start)
{
	struct local_region *local = kzalloc(sizeof(*local), GFP_KERNEL);

	if (!local)
		return NULL;
	local->region.start = start;
	/* finds: error-path-leak */
	if (pin_user_pages_fast(start, 1, FOLL_LONGTERM, &local->page) != 1) {
		kfree(local);
		return NULL;
	}
	return &local->region;
}

void region_put(struct region *region)
{
	if (region->remote)
		return;
	kfree(to_local(region));
}

int window_open(struct window *window, unsigned long start)
{
	struct region *region = region_get(start);

	if (!region)
		return -ENOMEM;
	window->table = kmalloc(64, GFP_KERNEL);
	if (!window->table) {
		region_put(region);
		return -ENOMEM;
	}
	region_put(region);
	kfree(window->table);
	return 0;
}
