import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictsOf } from '../testing.ts'

const verdicts = (text: string, kernel = '7.2'): Promise<string[]> =>
  verdictsOf({ 'driver.c': text }, { protocols: ['dma-buf-import'], kernel })

const peek = (body: string): string => `
struct dev { struct dma_buf *kept; struct dma_buf_attachment *at; struct sg_table *table; };
int peek(struct dev *d, int fd)
{
	struct dma_buf *buf = dma_buf_get(fd);
	int ret = 0;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	${body}
}`

test('a reference that is forgotten on one way is told, and one that an object keeps is followed to its release', async () => {
  assert.deepEqual(await verdicts(peek('ret = buf->size; dma_buf_put(buf); return ret;')), ['holds'])
  assert.deepEqual(
    await verdicts(peek('if (buf->size < 4096) return -EINVAL; dma_buf_put(buf); return ret;')),
    ['broken: error-path-leak'],
  )
  const kept = peek('d->kept = buf; return 0;')
  assert.deepEqual(await verdicts(kept), [
    'unknown: the dma-buf is kept in dev.kept, and who gives it back from there is not found',
  ])
  assert.deepEqual(await verdicts(`${kept}\nvoid drop(struct dev *d) { dma_buf_put(d->kept); }`), ['holds'])
})

test('what is handed out of sight is unknown, not lost', async () => {
  assert.deepEqual(await verdicts(peek('stash_away(buf); return 0;')), [
    'unknown: it is given to stash_away()',
  ])
})

const locked = (before: string, after: string): string => `
struct dev { struct dma_buf_attachment *at; struct sg_table *table; };
static int run(struct dev *d)
{
	struct sg_table *table;
	${before}
	table = dma_buf_map_attachment(d->at, DMA_FROM_DEVICE);
	if (!IS_ERR(table))
		dma_buf_unmap_attachment(d->at, table, DMA_FROM_DEVICE);
	${after}
	return 0;
}
static long ioctl(struct file *file, unsigned int cmd, unsigned long arg) { return run(file->private_data); }
static const struct file_operations fops = { .unlocked_ioctl = ioctl };`

test('the reservation lock is asked for by the kernel that the tree is for', async () => {
  assert.deepEqual(await verdicts(locked('', '')), ['broken: missing-resv-lock'])
  assert.deepEqual(await verdicts(locked('', ''), '6.1'), ['holds'])
  const lock = 'dma_resv_lock(d->at->dmabuf->resv, NULL);'
  assert.deepEqual(await verdicts(locked(lock, 'dma_resv_unlock(d->at->dmabuf->resv);')), ['holds'])
})

test('an exporter that calls with the lock held is a contract', async () => {
  const text = `
struct buffer { struct dma_buf_attachment *at; };
static int pin_it(struct dma_buf_attachment *other)
{
	struct buffer *b = other->dmabuf->priv;
	struct sg_table *table = dma_buf_map_attachment(b->at, DMA_FROM_DEVICE);
	if (IS_ERR(table))
		return PTR_ERR(table);
	dma_buf_unmap_attachment(b->at, table, DMA_FROM_DEVICE);
	return 0;
}
static const struct dma_buf_ops ops = { .pin = pin_it };`
  assert.deepEqual(await verdicts(text), ['holds: dma_buf_ops.pin is called with the reservation lock held'])
})
