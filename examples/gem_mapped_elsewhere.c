// SPDX-License-Identifier: MIT
/* A GEM object whose pages are mapped by a function that is not here: it is not one that only prints. */
#include <drm/drm_gem.h>
#include <linux/mm.h>

int drm_slate_map_pages(struct drm_gem_object *obj, struct vm_area_struct *vma);

/* unknown: what drm_slate_map_pages() does with the mapping is not seen */
static int slate_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	drm_dbg_core(obj->dev, "slate");
	return drm_slate_map_pages(obj, vma);
}

const struct drm_gem_object_funcs slate_funcs = {
	.mmap = slate_mmap,
};
