import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTree, Program } from '../../source/index.ts'
import { audit } from '../index.ts'

/** `broken: CLASS`, `holds`, `unknown: REASON` of every site, in the order of the text. */
async function verdicts(t: TestContext, text: string, kernel = '7.2'): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'tenure-dmabuf-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'driver.c'), text)
  const { value } = await openTree(dir)
  const program = new Program(value!)
  const { sites } = await audit(program, {
    treeKernel: undefined,
    kernel,
    protocols: ['dma-buf-import'],
    version: 'test',
    path: dir,
  })
  await program.close()
  return sites.map((s) =>
    s.verdict === 'broken'
      ? `broken: ${s.classes.join()}`
      : s.verdict === 'holds'
        ? `holds${s.contract === undefined ? '' : `: ${s.contract}`}`
        : `unknown: ${s.reason}`,
  )
}

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

test('a reference that is forgotten on one way is told, and one that an object keeps is followed to its release', async (t) => {
  assert.deepEqual(await verdicts(t, peek('ret = buf->size; dma_buf_put(buf); return ret;')), ['holds'])
  assert.deepEqual(
    await verdicts(t, peek('if (buf->size < 4096) return -EINVAL; dma_buf_put(buf); return ret;')),
    ['broken: error-path-leak'],
  )
  const kept = peek('d->kept = buf; return 0;')
  assert.deepEqual(await verdicts(t, kept), [
    'unknown: the dma-buf is kept in dev.kept, and who gives it back from there is not found',
  ])
  assert.deepEqual(await verdicts(t, `${kept}\nvoid drop(struct dev *d) { dma_buf_put(d->kept); }`), [
    'holds',
  ])
})

test('what is handed out of sight is unknown, not lost', async (t) => {
  assert.deepEqual(await verdicts(t, peek('stash_away(buf); return 0;')), [
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

test('the reservation lock is asked for by the kernel that the tree is for', async (t) => {
  assert.deepEqual(await verdicts(t, locked('', '')), ['broken: missing-resv-lock'])
  assert.deepEqual(await verdicts(t, locked('', ''), '6.1'), ['holds'])
  const lock = 'dma_resv_lock(d->at->dmabuf->resv, NULL);'
  assert.deepEqual(await verdicts(t, locked(lock, 'dma_resv_unlock(d->at->dmabuf->resv);')), ['holds'])
})

test('an exporter that calls with the lock held is a contract', async (t) => {
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
  assert.deepEqual(await verdicts(t, text), [
    'holds: dma_buf_ops.pin is called with the reservation lock held',
  ])
})
