import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protocols } from '../index.ts'
import { verdictsOf } from '../testing.ts'

/** Without the contracts. */
async function verdicts(
  text: string,
  kernel = '7.2',
  others: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const found = await verdictsOf({ 'driver.c': text, ...others }, { protocols, kernel })
  return found.map((v) => v.replace(/^holds: .*/, 'holds'))
}

const body = (text: string, more = ''): string =>
  `${more}\nint f(struct dev *d, unsigned long a, int n)\n{\n\tstruct page *pages[8];\n\tstruct page *page;\n\tint i, got, ret = 0;\n${text}\n}\n`
const four = 'got = get_user_pages_fast(a, n, 0, pages);'
const rest = 'for (i = 0; i < n; i++) put_page(pages[i]); return 0;'

test('fewer pages than asked for have to be given back', async () => {
  assert.deepEqual(await verdicts(body(`${four} if (got != n) return -1; ${rest}`)), ['broken: partial-pin'])
  assert.deepEqual(
    await verdicts(body(`${four} if (got < 0) return got; if (got != n) { n = got; ret = -1; } ${rest}`)),
    ['holds'],
  )
})

test('a single page comes or does not come', async () => {
  const one = 'ret = pin_user_pages_fast(a, 1, 0, &page); if (ret < 0) return ret;'
  assert.deepEqual(await verdicts(body(`${one} unpin_user_page(page); return 0;`)), ['holds'])
  assert.deepEqual(await verdicts(body(`${one} if (d->busy) return -1; unpin_user_page(page); return 0;`)), [
    'broken: error-path-leak',
  ])
})

test('what one #if says the next says again', async () => {
  const put = '#ifdef CONFIG_MMU\n put_page(page);\n#endif\n return 0;'
  const get = 'ret = get_user_pages_fast(a, 1, 0, &page); if (ret != 1) return -1;'
  assert.deepEqual(
    await verdicts(body(`#ifdef CONFIG_MMU\n ${get}\n#else\n page = d->page;\n#endif\n ${put}`)),
    ['holds'],
  )
  assert.deepEqual(
    await verdicts(body(`#ifdef CONFIG_SMP\n ${get}\n#else\n page = d->page;\n#endif\n ${put}`)),
    ['broken: error-path-leak'],
  )
})

test('a field of a zeroed object is zero until it is set, an array in it is there', async () => {
  const struct = 'struct req { struct page **list; struct page *own[4]; int nr; };'
  const start = `struct req *r = kzalloc(sizeof(*r), GFP_KERNEL); if (!r) return -1; ${four} if (got < 0) goto out;`
  const end = (cond: string): string =>
    `if (got != n) { if (${cond}) for (i = 0; i < got; i++) put_page(pages[i]); goto out; } for (i = 0; i < n; i++) put_page(pages[i]); out: kfree(r); return 0;`
  assert.deepEqual(await verdicts(body(start + end('!r->list'), struct)), ['holds'])
  assert.deepEqual(await verdicts(body(start + end('r->list'), struct)), ['broken: partial-pin'])
  const own = 'struct req *r = kzalloc(sizeof(*r), GFP_KERNEL); if (!r) return -1;'
  assert.deepEqual(
    await verdicts(body(`${own} got = get_user_pages_fast(a, 1, 0, r->own); kfree(r); return got;`, struct)),
    ['broken: error-path-leak'],
  )
})

test('a loop that gives back some of the pages decides nothing', async () => {
  const some = (cond: string): string =>
    `${four} if (got < 0) return got; for (i = 0; i < got; i++) if (${cond}) put_page(pages[i]); return 0;`
  assert.match((await verdicts(body(some('!PageReserved(pages[i])'))))[0]!, /^unknown: a loop gives it back/)
  assert.deepEqual(await verdicts(body(some('pages[i]'))), ['holds'])
})

test('a release in the wrong way is told, one in either way is not', async () => {
  const get = 'ret = get_user_pages_fast(a, 1, 0, &page); if (ret != 1) return -1;'
  assert.deepEqual(await verdicts(body(`${get} unpin_user_page(page); return 0;`)), [
    'broken: unpin-instead-of-put',
  ])
  assert.match(
    (await verdicts(body(`${get} if (d->pinned) unpin_user_page(page); else put_page(page); return 0;`)))[0]!,
    /^unknown: one function gives it back in either way/,
  )
})

test('what goes to a function that is not in sight is unknown, one in the file is read', async () => {
  const get = 'ret = get_user_pages_fast(a, 1, 0, &page); if (ret != 1) return -1;'
  assert.deepEqual(await verdicts(body(`${get} finish(page); return 0;`)), [
    'unknown: it is given to finish()',
  ])
  const finish = 'static void finish(struct page *p) { put_page(p); }'
  assert.deepEqual(await verdicts(body(`${get} finish(page); return 0;`, finish)), ['holds'])
  const forget = 'static void finish(struct page *p) { p->index = 0; }'
  assert.deepEqual(await verdicts(body(`${get} finish(page); return 0;`, forget)), [
    'broken: error-path-leak',
  ])
})

test('every kernel that has the call decides alike', async () => {
  const leak = body('ret = pin_user_pages_fast(a, 1, 0, &page); return ret;')
  for (const kernel of ['5.10', '6.1', '6.12', '7.2'])
    assert.deepEqual(await verdicts(leak, kernel), ['broken: error-path-leak'], kernel)
})

test('every generation of the calls is listed', async () => {
  const calls = [
    'pin_user_pages(a, 1, 0, &page)',
    'pin_user_pages_remote(d->mm, a, 1, 0, &page, NULL)',
    'pin_user_pages_unlocked(a, 1, &page, 0)',
    'memfd_pin_folios(d->file, 0, n, d->folios, n, &d->off)',
    'iov_iter_extract_pages(d->iter, &d->pages, n, n, 0, &d->off)',
    'get_user_pages\n\t\t(a, 1, 0, &page)',
    'get_user_page_fast_only(a, 0, &page)',
    'iov_iter_get_pages2(d->iter, pages, n, n, &d->off)',
    'iov_iter_get_pages_alloc(d->iter, &d->pages, n, &d->off)',
  ]
  const found = await verdicts(body(calls.map((c) => `ret = ${c};`).join('\n')))
  assert.equal(found.length, calls.length)
})

test('the calls of a wrapper of a wrapper are sites, too', async () => {
  const vector = `struct vector { int n; struct page *pages[4]; };
int vector_fill(unsigned long a, struct vector *v)
{
	int got = pin_user_pages_fast(a, 1, FOLL_LONGTERM, v->pages);

	v->n = got > 0 ? got : 0;
	return got;
}
EXPORT_SYMBOL(vector_fill);
void vector_drain(struct vector *v)
{
	unpin_user_pages(v->pages, v->n);
}
`
  const made = `struct vector *vector_make(unsigned long a)
{
	struct vector *v = kzalloc(sizeof(*v), GFP_KERNEL);

	if (!v)
		return NULL;
	if (vector_fill(a, v) != 1) {
		kfree(v);
		return NULL;
	}
	return v;
}
`
  const user = `static int look(unsigned long a)
{
	struct vector *v = vector_make(a);

	if (!v)
		return -ENOMEM;
	vector_drain(v);
	kfree(v);
	return 0;
}
`
  const sites = await verdicts(vector, '7.2', { 'make.c': made, 'user.c': user })
  assert.deepEqual(sites, ['holds', 'holds', 'holds'])
})

test('the calls of a function that hands pages on are sites, each judged for itself', async () => {
  const lease = `int lease_pages(unsigned long a, int n, struct page **pages)
{
	int got = pin_user_pages_fast(a, n, 0, pages);

	if (got == n)
		return 0;
	if (got > 0)
		unpin_user_pages(pages, got);
	return got < 0 ? got : -EFAULT;
}
`
  const caller = (name: string, leave: string): string =>
    `static int ${name}(unsigned long a, struct dev *d)
{
	struct page *pages[4];
	int ret = lease_pages(a, 4, pages);

	if (ret)
		return ret;
	if (d->busy)
		${leave};
out:
	unpin_user_pages(pages, 4);
	return ret;
}
`
  const others = {
    'keeps.c': caller('give_back', 'goto out'),
    'loses.c': caller('lose', 'return -EBUSY'),
  }
  // By file: the call in driver.c is its callers' affair.
  assert.deepEqual(await verdicts(lease, '7.2', others), ['holds', 'holds', 'broken: error-path-leak'])
})
