// SPDX-License-Identifier: MIT
/* The descriptor is the last thing. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct easel {
	struct dma_buf *buf;
	u64 tag;
};

static void easel_release(struct dma_buf *buf)
{
	struct easel *obj = buf->priv;

	kfree(obj);
}

static const struct dma_buf_ops easel_ops = {
	.release = easel_release,
};

int easel_export(u64 tag, size_t size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct easel *obj;
	int ret;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL);
	if (!obj)
		return -ENOMEM;
	exp_info.ops = &easel_ops;
	exp_info.size = size;
	exp_info.priv = obj;
	/* holds */
	obj->buf = dma_buf_export(&exp_info);
	if (IS_ERR(obj->buf)) {
		ret = PTR_ERR(obj->buf);
		kfree(obj);
		return ret;
	}
	obj->tag = tag;
	/* holds */
	ret = dma_buf_fd(obj->buf, O_CLOEXEC);
	if (ret < 0)
		dma_buf_put(obj->buf);
	return ret;
}
