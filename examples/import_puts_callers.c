// SPDX-License-Identifier: MIT
/* The DRM core holds a reference over the call; the object takes its own when all has worked. */
#include <linux/dma-buf.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>

struct taker_bo {
	struct drm_gem_object gem;
	struct dma_buf_attachment *at;
	struct sg_table *table;
};

static struct drm_gem_object *taker_import(struct drm_device *drm, struct dma_buf *buf)
{
	struct taker_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	int ret;

	if (!bo)
		return ERR_PTR(-ENOMEM);
	/* finds: double-put */
	bo->at = dma_buf_attach(buf, drm->dev);
	if (IS_ERR(bo->at)) {
		ret = PTR_ERR(bo->at);
		goto free;
	}
	/* holds */
	bo->table = dma_buf_map_attachment_unlocked(bo->at, DMA_BIDIRECTIONAL);
	if (IS_ERR(bo->table)) {
		ret = PTR_ERR(bo->table);
		goto detach;
	}
	get_dma_buf(buf);
	return &bo->gem;
detach:
	dma_buf_detach(buf, bo->at);
	dma_buf_put(buf);
free:
	kfree(bo);
	return ERR_PTR(ret);
}

static void taker_free(struct drm_gem_object *gem)
{
	struct taker_bo *bo = container_of(gem, struct taker_bo, gem);
	struct dma_buf *buf = bo->at->dmabuf;

	dma_buf_unmap_attachment_unlocked(bo->at, bo->table, DMA_BIDIRECTIONAL);
	dma_buf_detach(buf, bo->at);
	dma_buf_put(buf);
	kfree(bo);
}

static const struct drm_gem_object_funcs taker_funcs = {
	.free = taker_free,
};

static const struct drm_driver taker_driver = {
	.gem_prime_import = taker_import,
};
