// SPDX-License-Identifier: MIT
/*
 * The same camera with a frame vector: since 5.10 it pins the pages for as long
 * as the buffer lives, and refuses memory that cannot be pinned.
 */
#include <linux/dma-mapping.h>
#include <media/frame_vector.h>

struct camera_buffer {
	struct device *dev;
	struct frame_vector *vec;
	struct sg_table sgt;
};

static struct frame_vector *camera_frames(unsigned long start, unsigned int nr, bool write)
{
	struct frame_vector *vec = frame_vector_create(nr);
	int ret;

	if (!vec)
		return ERR_PTR(-ENOMEM);
	/* holds */
	ret = get_vaddr_frames(start, nr, write, vec);
	if (ret < 0)
		goto destroy;
	if (ret != nr) {
		ret = -EFAULT;
		goto put;
	}
	return vec;
put:
	put_vaddr_frames(vec);
destroy:
	frame_vector_destroy(vec);
	return ERR_PTR(ret);
}

int camera_attach(struct camera_buffer *buf, unsigned long start, unsigned int nr)
{
	struct frame_vector *vec = camera_frames(start, nr, true);
	int ret;

	if (IS_ERR(vec))
		return PTR_ERR(vec);
	buf->vec = vec;
	ret = sg_alloc_table_from_pages(&buf->sgt, frame_vector_pages(vec), nr, 0,
					(size_t)nr << PAGE_SHIFT, GFP_KERNEL);
	if (!ret)
		ret = dma_map_sgtable(buf->dev, &buf->sgt, DMA_FROM_DEVICE, 0);
	if (ret) {
		put_vaddr_frames(vec);
		frame_vector_destroy(vec);
	}
	return ret;
}

void camera_detach(struct camera_buffer *buf)
{
	dma_unmap_sgtable(buf->dev, &buf->sgt, DMA_FROM_DEVICE, 0);
	sg_free_table(&buf->sgt);
	put_vaddr_frames(buf->vec);
	frame_vector_destroy(buf->vec);
}
