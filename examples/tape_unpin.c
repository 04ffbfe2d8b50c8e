// SPDX-License-Identifier: MIT
/* Pinned here, released by the callback of a kref. */
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/slab.h>

struct tape_buffer {
	struct kref ref;
	int nr;
	struct page *pages[16];
};

static void tape_buffer_release(struct kref *ref)
{
	struct tape_buffer *b = container_of(ref, struct tape_buffer, ref);

	unpin_user_pages(b->pages, b->nr);
	kfree(b);
}

void tape_buffer_put(struct tape_buffer *b)
{
	kref_put(&b->ref, tape_buffer_release);
}

struct tape_buffer *tape_buffer_get(unsigned long addr, unsigned int nr)
{
	struct tape_buffer *b;

	if (!nr || nr > ARRAY_SIZE(b->pages))
		return ERR_PTR(-EINVAL);
	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return ERR_PTR(-ENOMEM);
	kref_init(&b->ref);
	/* todo: holds */
	b->nr = pin_user_pages_fast(addr, nr, 0, b->pages);
	if (b->nr != nr) {
		b->nr = max(b->nr, 0);
		tape_buffer_put(b);
		return ERR_PTR(-EFAULT);
	}
	return b;
}

ssize_t tape_write(unsigned long addr, size_t len, int (*out)(struct page **, int))
{
	struct tape_buffer *b = tape_buffer_get(addr, DIV_ROUND_UP(len, PAGE_SIZE));
	int ret;

	if (IS_ERR(b))
		return PTR_ERR(b);
	ret = out(b->pages, b->nr);
	tape_buffer_put(b);
	return ret;
}
