// SPDX-License-Identifier: MIT
/* Whoever closes the descriptor has freed what is tagged. */
#include <linux/dma-buf.h>
#include <linux/slab.h>

struct canvas {
	struct dma_buf *buf;
	u64 tag;
};

static void canvas_release(struct dma_buf *buf)
{
	struct canvas *obj = buf->priv;

	kfree(obj);
}

static const struct dma_buf_ops canvas_ops = {
	.release = canvas_release,
};

int canvas_export(u64 tag, size_t size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct canvas *obj;
	int ret;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL);
	if (!obj)
		return -ENOMEM;
	exp_info.ops = &canvas_ops;
	exp_info.size = size;
	exp_info.priv = obj;
	/* holds */
	obj->buf = dma_buf_export(&exp_info);
	if (IS_ERR(obj->buf)) {
		ret = PTR_ERR(obj->buf);
		kfree(obj);
		return ret;
	}
	/* finds: fd-published-early */
	ret = dma_buf_fd(obj->buf, O_CLOEXEC);
	if (ret < 0)
		dma_buf_put(obj->buf);
	else
		obj->tag = tag;
	return ret;
}
