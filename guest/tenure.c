// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What only a kernel can do, for the agent: drivers whose mmap uses chosen
 * VM_ flags and a chosen way of insertion, pins, PFN look-ups, notifiers. After
 * each operation the state of all processes' windows is written out.
 *
 * One source for 5.10 to 7.2. Operations come one at a time, from one CPU.
 */
#include <linux/version.h>
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/completion.h>
#include <linux/file.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#include <linux/pfn_t.h>
#endif
#include "protocol.h"

#define QUARANTINE	256
#define MAX_FRAMES	200
#define MAX_EVENTS	200
#define MAX_PTES	(TENURE_PROCS * TENURE_PAGES)
#define MAX_VMAS	100
#define MAX_REFS	80

struct object {
	bool alive;
	bool file;		/* it is the agent's memfd of that number */
	struct mutex lock;	/* no fault while it moves or goes */
	unsigned long flags;
	unsigned int insert;
	unsigned int backing;
	unsigned int pages;
	bool refuse_private;
	unsigned long pfn[TENURE_OBJ_PAGES];
};

struct handle {
	unsigned int pages;
	bool pin;
	struct page *page[TENURE_HANDLE_PAGES];
};

struct notifier {
	bool used;
	unsigned long seq;
	struct mmu_interval_notifier mni;
};

struct watch {
	struct mmu_notifier mn;
	bool used;
};

static struct object objs[TENURE_OBJS];
static struct handle handles[TENURE_HANDLES];
static struct notifier notifiers[TENURE_NOTIFIERS];
static struct watch watches[TENURE_PROCS];
static bool watching;
static bool quiet;
static struct mm_struct *mms[TENURE_PROCS];
static struct completion turns[TENURE_PROCS + 1];	/* the last is the agent's */
static unsigned long quarantine[QUARANTINE];
static unsigned int nr_quarantine;

static struct tenure_event events[MAX_EVENTS];
static unsigned int nr_events;
static bool overflow;

static u8 *shared;		/* the memory that we share with the host */
static phys_addr_t vram_phys;
static u8 *vram;		/* the part of it that stands for device memory */
static unsigned int vram_next;
static bool vram_freed[TENURE_VRAM_SIZE >> PAGE_SHIFT];

static struct address_space *mapping;
static struct file *files[TENURE_OBJS];
static unsigned long zero_pfn_here;

static void (*do_lru_add_drain)(void);
static void (*do_lru_add_drain_all)(void);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static int (*do_follow_phys)(struct vm_area_struct *, unsigned long,
			     unsigned int, unsigned long *, resource_size_t *);
#endif

/* --- events ------------------------------------------------------------ */

static u8 window_page(unsigned long addr)
{
	if (addr <= TENURE_WINDOW)
		return 0;
	addr = (addr - TENURE_WINDOW) >> PAGE_SHIFT;
	return addr > TENURE_PAGES ? 255 : addr;
}

static u8 mm_index(struct mm_struct *mm)
{
	int i;

	for (i = 0; i < TENURE_PROCS; i++)
		if (mms[i] == mm)
			return i;
	return 255;
}

static void event(u8 kind, u8 id, u8 start, u8 end, u8 proc, u8 arg)
{
	struct tenure_event *e;

	if (quiet)
		return;
	if (nr_events == MAX_EVENTS) {
		overflow = true;
		return;
	}
	e = &events[nr_events++];
	e->kind = kind;
	e->id = id;
	e->start = start;
	e->end = end;
	e->proc = proc;
	e->arg = arg;
	e->pad = 0;
}

static struct object *vma_object(struct vm_area_struct *vma)
{
	return vma->vm_private_data;
}

static void vma_event(u8 kind, struct vm_area_struct *vma)
{
	event(kind, vma_object(vma) - objs, window_page(vma->vm_start),
	      window_page(vma->vm_end), mm_index(vma->vm_mm), 0);
}

/* --- the driver -------------------------------------------------------- */

static bool is_cow(struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

static void set_vm_flags(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static void dev_open(struct vm_area_struct *vma)
{
	vma_event(TENURE_EVENT_OPEN, vma);
}

static void dev_close(struct vm_area_struct *vma)
{
	vma_event(TENURE_EVENT_CLOSE, vma);
}

static int dev_split(struct vm_area_struct *vma, unsigned long addr)
{
	event(TENURE_EVENT_SPLIT, vma_object(vma) - objs, window_page(addr), 0,
	      mm_index(vma->vm_mm), 0);
	return 0;
}

static int dev_mremap(struct vm_area_struct *vma)
{
	vma_event(TENURE_EVENT_MREMAP, vma);
	return 0;
}

static vm_fault_t insert_mixed(struct vm_area_struct *vma, unsigned long addr,
			       unsigned long pfn)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	return vmf_insert_mixed(vma, addr, pfn_to_pfn_t(pfn));
#else
	return vmf_insert_mixed(vma, addr, pfn);
#endif
}

static vm_fault_t fault_locked(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct object *o = vma_object(vma);
	unsigned long index = vmf->pgoff - (o - objs) * TENURE_OBJ_STRIDE;
	int err;

	event(TENURE_EVENT_FAULT, o - objs, index > 254 ? 255 : index,
	      !!(vmf->flags & FAULT_FLAG_WRITE), mm_index(vma->vm_mm), 0);
	if (!o->alive || index >= o->pages)
		return VM_FAULT_SIGBUS;
	switch (o->insert) {
	case TENURE_INSERT_PFN:
		return vmf_insert_pfn(vma, vmf->address, o->pfn[index]);
	case TENURE_INSERT_MIXED:
		return insert_mixed(vma, vmf->address, o->pfn[index]);
	case TENURE_INSERT_PAGE:
		err = vm_insert_page(vma, vmf->address & PAGE_MASK,
				     pfn_to_page(o->pfn[index]));
		if (err == -ENOMEM)
			return VM_FAULT_OOM;
		if (err < 0 && err != -EBUSY)
			return VM_FAULT_SIGBUS;
		return VM_FAULT_NOPAGE;
	case TENURE_INSERT_RETURN:
		vmf->page = pfn_to_page(o->pfn[index]);
		get_page(vmf->page);
		return 0;
	}
	return VM_FAULT_SIGBUS;
}

static vm_fault_t dev_fault(struct vm_fault *vmf)
{
	struct object *o = vma_object(vmf->vma);
	vm_fault_t ret;

	mutex_lock(&o->lock);
	ret = fault_locked(vmf);
	mutex_unlock(&o->lock);
	return ret;
}

static const struct vm_operations_struct fault_ops = {
	.open = dev_open,
	.close = dev_close,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
	.may_split = dev_split,
#else
	.split = dev_split,
#endif
	.mremap = dev_mremap,
	.fault = dev_fault,
};

static const struct vm_operations_struct early_ops = {
	.open = dev_open,
	.close = dev_close,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 0)
	.may_split = dev_split,
#else
	.split = dev_split,
#endif
	.mremap = dev_mremap,
};

/* What the insertion functions BUG on is refused: the machine has to live. */
static bool would_bug(struct object *o, struct vm_area_struct *vma)
{
	unsigned long kind = o->flags & (VM_PFNMAP | VM_MIXEDMAP);

	switch (o->insert) {
	case TENURE_INSERT_PFN:
		if (kind != VM_PFNMAP && kind != VM_MIXEDMAP)
			return true;
		if (kind == VM_PFNMAP && is_cow(vma))
			return true;
		return kind == VM_MIXEDMAP && pfn_valid(o->pfn[0]);
	case TENURE_INSERT_MIXED:
		return !(kind & VM_MIXEDMAP);
	case TENURE_INSERT_PAGE:
		return !(kind & VM_MIXEDMAP) || !pfn_valid(o->pfn[0]);
	case TENURE_INSERT_PAGE_EARLY:
		return kind == VM_PFNMAP || !pfn_valid(o->pfn[0]);
	case TENURE_INSERT_RETURN:
		return !pfn_valid(o->pfn[0]);
	}
	return false;
}

static int dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long i = vma->vm_pgoff / TENURE_OBJ_STRIDE;
	unsigned long first = vma->vm_pgoff % TENURE_OBJ_STRIDE;
	unsigned long pages = vma_pages(vma);
	unsigned long n;
	struct object *o;
	int err = 0;

	if (i >= TENURE_OBJS)
		return -EINVAL;
	o = &objs[i];
	if (!o->alive || o->file || first >= o->pages || pages > o->pages - first)
		return -EINVAL;
	if (o->refuse_private && is_cow(vma))
		return -EINVAL;
	if (would_bug(o, vma))
		return -EOPNOTSUPP;
	vma->vm_private_data = o;
	set_vm_flags(vma, o->flags);
	if (o->insert == TENURE_INSERT_REMAP) {
		vma->vm_ops = &early_ops;
		err = remap_pfn_range(vma, vma->vm_start, o->pfn[first],
				      pages << PAGE_SHIFT, vma->vm_page_prot);
	} else if (o->insert == TENURE_INSERT_PAGE_EARLY) {
		vma->vm_ops = &early_ops;
		for (n = 0; n < pages && !err; n++)
			err = vm_insert_page(vma, vma->vm_start + n * PAGE_SIZE,
					     pfn_to_page(o->pfn[first + n]));
	} else {
		vma->vm_ops = &fault_ops;
	}
	if (!err)
		vma_event(TENURE_EVENT_MMAP, vma);
	return err;
}

/* --- objects ----------------------------------------------------------- */

static int object_populate(struct object *o, unsigned int backing,
			   unsigned long *pfn)
{
	unsigned int order = get_order(o->pages * PAGE_SIZE);
	struct page *page;
	unsigned int i;

	if (backing == TENURE_BACKING_VRAM) {
		for (i = 0; i < o->pages; i++) {
			if (vram_next == TENURE_VRAM_SIZE >> PAGE_SHIFT)
				return -ENOSPC;
			memset(vram + vram_next * PAGE_SIZE, 0, 8);
			pfn[i] = (vram_phys >> PAGE_SHIFT) + vram_next++;
		}
		return 0;
	}
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
	if (!page)
		return -ENOMEM;
	split_page(page, order);
	for (i = 0; i < 1U << order; i++) {
		if (i < o->pages)
			pfn[i] = page_to_pfn(page + i);
		else
			__free_page(page + i);
	}
	return 0;
}

static bool is_vram(unsigned long pfn)
{
	return pfn - (vram_phys >> PAGE_SHIFT) < TENURE_VRAM_SIZE >> PAGE_SHIFT;
}

static u32 *frame_data(unsigned long pfn)
{
	if (is_vram(pfn))
		return (u32 *)(vram + ((pfn << PAGE_SHIFT) - vram_phys));
	if (pfn_valid(pfn))
		return page_address(pfn_to_page(pfn));
	return NULL;
}

/*
 * The owner lets go of a frame. We keep a reference until the next reset, so
 * that whoever still maps it harms nobody; the dump counts without it.
 */
static void object_release_frame(unsigned long pfn)
{
	if (is_vram(pfn)) {
		vram_freed[pfn - (vram_phys >> PAGE_SHIFT)] = true;
		return;
	}
	if (nr_quarantine == QUARANTINE) {
		overflow = true;	/* leaked, and said */
		return;
	}
	quarantine[nr_quarantine++] = pfn;
}

static bool quarantined(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < nr_quarantine; i++)
		if (quarantine[i] == pfn)
			return true;
	return false;
}

static void object_unmap(struct object *o, unsigned int first,
			 unsigned int pages, int even_cows)
{
	loff_t start = ((loff_t)(o - objs) * TENURE_OBJ_STRIDE + first) << PAGE_SHIFT;

	if (mapping)
		unmap_mapping_range(mapping, start, (loff_t)pages << PAGE_SHIFT,
				    even_cows);
}

static int object_create(struct object *o, const u32 *a)
{
	if (o->alive || a[4] > TENURE_OBJ_PAGES || !a[4] || a[2] > TENURE_INSERT_FILE)
		return -EINVAL;
	o->file = a[2] == TENURE_INSERT_FILE;
	o->pages = a[4];
	if (o->file) {
		o->alive = files[o - objs];
		return o->alive ? 0 : -EBADF;
	}
	o->flags = a[1];
	o->insert = a[2];
	o->backing = a[3] & 0xff;
	o->refuse_private = !!(a[3] & 0x100);
	o->pages = a[4];
	if (object_populate(o, o->backing, o->pfn))
		return -ENOMEM;
	o->alive = true;
	return 0;
}

static int move_locked(struct object *o, unsigned int backing, bool unmap)
{
	unsigned long pfn[TENURE_OBJ_PAGES];
	unsigned int i;
	int err;

	if (!o->alive || o->file)
		return -ENXIO;
	if (unmap)
		object_unmap(o, 0, o->pages, 1);
	err = object_populate(o, backing, pfn);
	if (err)
		return err;
	for (i = 0; i < o->pages; i++) {
		*frame_data(pfn[i]) = *frame_data(o->pfn[i]);
		object_release_frame(o->pfn[i]);
		o->pfn[i] = pfn[i];
	}
	o->backing = backing;
	return 0;
}

static int free_locked(struct object *o, bool unmap)
{
	unsigned int i;

	if (!o->alive)
		return -ENXIO;
	if (unmap && !o->file)
		object_unmap(o, 0, o->pages, 1);
	o->alive = false;
	if (o->file)
		return 0;
	for (i = 0; i < o->pages; i++)
		object_release_frame(o->pfn[i]);
	return 0;
}

static int object_move(struct object *o, unsigned int backing, bool unmap)
{
	int err;

	mutex_lock(&o->lock);
	err = move_locked(o, backing, unmap);
	mutex_unlock(&o->lock);
	return err;
}

static int object_free(struct object *o, bool unmap)
{
	int err;

	mutex_lock(&o->lock);
	err = free_locked(o, unmap);
	mutex_unlock(&o->lock);
	return err;
}

/* A frame that an object has or had: nobody else is harmed by a stale number. */
static u32 *owned_frame(unsigned long pfn)
{
	unsigned int i, j;

	if (is_vram(pfn) || quarantined(pfn))
		return frame_data(pfn);
	for (i = 0; i < TENURE_OBJS; i++)
		for (j = 0; objs[i].alive && !objs[i].file && j < objs[i].pages; j++)
			if (objs[i].pfn[j] == pfn)
				return frame_data(pfn);
	return NULL;
}

/* --- pins and look-ups -------------------------------------------------- */

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define FOLL_NOFAULT	0
#endif

static unsigned int foll_flags(u32 flags)
{
	return (flags & TENURE_FOLL_WRITE ? FOLL_WRITE : 0) |
	       (flags & TENURE_FOLL_FORCE ? FOLL_FORCE : 0) |
	       (flags & TENURE_FOLL_LONGTERM ? FOLL_LONGTERM : 0) |
	       (flags & TENURE_FOLL_NOFAULT ? FOLL_NOFAULT : 0);
}

static long gup(struct handle *h, int op, unsigned long addr,
		unsigned int pages, u32 wanted, bool held)
{
	unsigned int flags = foll_flags(wanted);
	long n;

	if (h->pages || pages > TENURE_HANDLE_PAGES)
		return -EBADSLT;
	memset(h->page, 0, sizeof(h->page));
	switch (op) {
	case TENURE_PIN_FAST:
		n = pin_user_pages_fast(addr, pages, flags, h->page);
		break;
	case TENURE_GET_FAST:
		n = get_user_pages_fast(addr, pages, flags, h->page);
		break;
	default:
		if (!held)
			mmap_read_lock(current->mm);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
		if (op == TENURE_PIN)
			n = pin_user_pages(addr, pages, flags, h->page, NULL);
		else
			n = get_user_pages(addr, pages, flags, h->page, NULL);
#else
		if (op == TENURE_PIN)
			n = pin_user_pages(addr, pages, flags, h->page);
		else
			n = get_user_pages(addr, pages, flags, h->page);
#endif
		if (!held)
			mmap_read_unlock(current->mm);
	}
	if (n > 0)
		h->pages = n;
	h->pin = op == TENURE_PIN || op == TENURE_PIN_FAST;
	return n;
}

/* Of another process's memory, or of one's own. */
static long pin_remote(struct handle *h, unsigned long addr, unsigned int whose, u32 wanted)
{
	struct mm_struct *mm = whose < TENURE_PROCS ? mms[whose] : NULL;
	unsigned int flags = foll_flags(wanted);
	long n;

	if (h->pages)
		return -EBADSLT;
	if (!mm || !mmget_not_zero(mm))
		return -ESRCH;
	memset(h->page, 0, sizeof(h->page));
	mmap_read_lock(mm);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
	n = pin_user_pages_remote(mm, addr, 1, flags, h->page, NULL, NULL);
#else
	n = pin_user_pages_remote(mm, addr, 1, flags, h->page, NULL);
#endif
	mmap_read_unlock(mm);
	mmput(mm);
	if (n > 0)
		h->pages = n;
	h->pin = true;
	return n;
}

static int handle_drop(struct handle *h, bool pin, bool dirty)
{
	unsigned int i;

	if (!h->pages)
		return -EBADSLT;
	for (i = 0; i < h->pages; i++) {
		if (!h->page[i])	/* 5.10 leaves holes in what it pins */
			continue;
		if (pin) {
			unpin_user_pages_dirty_lock(&h->page[i], 1, dirty);
		} else {
			if (dirty)
				set_page_dirty_lock(h->page[i]);
			put_page(h->page[i]);
		}
	}
	h->pages = 0;
	return 0;
}

static pte_t *walk(struct mm_struct *mm, unsigned long addr, pmd_t **pmdp)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	if (pmd_none(*pmd) || !pmd_present(*pmd))
		return NULL;
	*pmdp = pmd;
	return pte_offset_kernel(pmd, addr);
}

struct found {
	unsigned long pfn;
	bool write;
	bool special;
};

/* A look-up of each generation; those that this kernel lacks are absent. */
static int follow(int op, unsigned long addr, u32 flags, bool held, struct found *f)
{
	struct vm_area_struct *vma;
	int err = TENURE_ABSENT;

	if (!held)
		mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr);
	if (vma && vma->vm_start > addr)
		vma = NULL;
	if (!vma) {
		if (!held)
			mmap_read_unlock(current->mm);
		return -EINVAL;
	}
	switch (op) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	case TENURE_FOLLOW_PFN:
		err = follow_pfn(vma, addr, &f->pfn);
		break;
	case TENURE_FOLLOW_PTE: {
		spinlock_t *ptl;
		pte_t *pte;

		err = follow_pte(current->mm, addr, &pte, &ptl);
		if (!err) {
			f->pfn = pte_pfn(*pte);
			f->write = pte_write(*pte);
			f->special = pte_special(*pte);
			pte_unmap_unlock(pte, ptl);
		}
		break;
	}
	case TENURE_FOLLOW_PHYS: {
		unsigned long prot = 0;
		resource_size_t phys = 0;

		if (!do_follow_phys)
			break;
		err = do_follow_phys(vma, addr, foll_flags(flags), &prot, &phys);
		if (!err) {
			f->pfn = phys >> PAGE_SHIFT;
			f->write = !!(prot & _PAGE_RW);
		}
		break;
	}
#else
	case TENURE_FOLLOW_PFNMAP: {
		struct follow_pfnmap_args args = {
			.vma = vma,
			.address = addr,
		};

		err = follow_pfnmap_start(&args);
		if (!err) {
			f->pfn = args.pfn;
			f->write = args.writable;
			f->special = args.special;
			follow_pfnmap_end(&args);
		}
		break;
	}
#endif
	}
	if (!held)
		mmap_read_unlock(current->mm);
	return err;
}

/* --- notifiers ---------------------------------------------------------- */

static bool invalidate(struct mmu_interval_notifier *mni,
		       const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct notifier *n = container_of(mni, struct notifier, mni);

	mmu_interval_set_seq(mni, seq);
	event(TENURE_EVENT_INVALIDATE, n - notifiers, window_page(range->start),
	      window_page(range->end), mm_index(mni->mm), range->event);
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = {
	.invalidate = invalidate,
};

static bool in_window(const struct mmu_notifier_range *range)
{
	return range->end > TENURE_WINDOW &&
	       range->start < TENURE_WINDOW + TENURE_PAGES * PAGE_SIZE;
}

static int watch_start(struct mmu_notifier *mn,
		       const struct mmu_notifier_range *range)
{
	struct watch *w = container_of(mn, struct watch, mn);

	if (in_window(range))
		event(TENURE_EVENT_RANGE_START, 0, window_page(range->start),
		      window_page(range->end), w - watches, range->event);
	return 0;
}

static void watch_end(struct mmu_notifier *mn,
		      const struct mmu_notifier_range *range)
{
	struct watch *w = container_of(mn, struct watch, mn);

	if (in_window(range))
		event(TENURE_EVENT_RANGE_END, 0, window_page(range->start),
		      window_page(range->end), w - watches, range->event);
}

static void watch_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct watch *w = container_of(mn, struct watch, mn);

	event(TENURE_EVENT_RELEASE, 0, 0, 255, w - watches, 0);
}

static const struct mmu_notifier_ops watch_ops = {
	.invalidate_range_start = watch_start,
	.invalidate_range_end = watch_end,
	.release = watch_release,
};

static int notifier_add(unsigned int i, unsigned long addr, unsigned long pages)
{
	struct notifier *n = &notifiers[i];
	int err;

	if (n->used)
		return -EBADSLT;
	err = mmu_interval_notifier_insert(&n->mni, current->mm, addr,
					   pages << PAGE_SHIFT, &notifier_ops);
	n->used = !err;
	return err;
}

static int notifier_remove(unsigned int i)
{
	if (!notifiers[i].used)
		return -EBADSLT;
	mmu_interval_notifier_remove(&notifiers[i].mni);
	notifiers[i].used = false;
	return 0;
}

/* --- the dump ----------------------------------------------------------- */

static struct tenure_answer answer;
static struct tenure_vma vmas[MAX_VMAS];
static struct tenure_pte ptes[MAX_PTES];
static struct tenure_frame frames[MAX_FRAMES];
static struct tenure_ref refs[MAX_REFS];

static u8 frame_index(unsigned long pfn)
{
	struct tenure_frame *f;
	struct page *page;
	u32 *data;
	int i;

	for (i = 0; i < answer.frames; i++)
		if (frames[i].pfn == pfn)
			return i;
	if (answer.frames == MAX_FRAMES) {
		overflow = true;
		return 255;
	}
	f = &frames[answer.frames];
	memset(f, 0, sizeof(*f));
	f->pfn = pfn;
	data = frame_data(pfn);
	if (data)
		f->data = *data;
	if (is_vram(pfn)) {
		f->flags |= TENURE_FRAME_VRAM;
		if (vram_freed[pfn - (vram_phys >> PAGE_SHIFT)])
			f->flags |= TENURE_FRAME_QUARANTINE;
	}
	if (pfn == zero_pfn_here)
		f->flags |= TENURE_FRAME_ZERO;
	if (pfn_valid(pfn) && !is_vram(pfn)) {
		page = pfn_to_page(pfn);
		f->refcount = page_ref_count(page);
		f->mapcount = atomic_read(&page->_mapcount) + 1;
		f->flags |= TENURE_FRAME_VALID;
		if (PageAnon(page)) {
			f->flags |= TENURE_FRAME_ANON;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
			if (PageAnonExclusive(page))
				f->flags |= TENURE_FRAME_EXCLUSIVE;
#endif
		} else if (page->mapping) {
			f->flags |= TENURE_FRAME_MAPPING;
		}
		if (PageDirty(page))
			f->flags |= TENURE_FRAME_DIRTY;
		if (PageLRU(page))
			f->flags |= TENURE_FRAME_LRU;
		if (page_zonenum(page) == ZONE_MOVABLE)
			f->flags |= TENURE_FRAME_MOVABLE;
		if (quarantined(pfn)) {
			f->flags |= TENURE_FRAME_QUARANTINE;
			f->refcount--;
		}
	}
	return answer.frames++;
}

static void write_vma(u8 proc, struct vm_area_struct *vma)
{
	struct tenure_vma *v;
	int i;

	if (answer.vmas == MAX_VMAS) {
		overflow = true;
		return;
	}
	v = &vmas[answer.vmas++];
	v->proc = proc;
	v->start = window_page(vma->vm_start);
	v->end = window_page(vma->vm_end);
	v->pgoff = vma->vm_pgoff;
	v->flags = vma->vm_flags;
	for (i = 0; i < TENURE_OBJS; i++)
		if (vma->vm_file && vma->vm_file == files[i])
			break;
	if (!vma->vm_file) {
		v->obj = TENURE_VMA_ANON;
	} else if (i < TENURE_OBJS) {
		v->obj = i;
		v->pgoff += i * TENURE_OBJ_STRIDE;
	} else if (vma->vm_ops == &fault_ops || vma->vm_ops == &early_ops) {
		v->obj = vma_object(vma) - objs;
	} else {
		v->obj = TENURE_VMA_SHMEM;
	}
}

static void write_pte(u8 proc, u8 page, pte_t pte)
{
	struct tenure_pte *p;

	if (answer.ptes == MAX_PTES) {
		overflow = true;
		return;
	}
	p = &ptes[answer.ptes++];
	p->proc = proc;
	p->page = page;
	p->bits = 0;
	p->frame = 255;
	if (!pte_present(pte)) {
		p->bits = TENURE_PTE_OTHER;
		return;
	}
	p->bits = TENURE_PTE_PRESENT;
	if (pte_write(pte))
		p->bits |= TENURE_PTE_WRITE;
	if (pte_special(pte))
		p->bits |= TENURE_PTE_SPECIAL;
	if (pte_dirty(pte))
		p->bits |= TENURE_PTE_DIRTY;
	if (pte_young(pte))
		p->bits |= TENURE_PTE_YOUNG;
	if (!(pte_flags(pte) & _PAGE_PRESENT))
		p->bits |= TENURE_PTE_PROTNONE;
	p->frame = frame_index(pte_pfn(pte));
}

static void write_mm(u8 proc, struct mm_struct *mm)
{
	unsigned long end = TENURE_WINDOW + TENURE_PAGES * PAGE_SIZE;
	struct vm_area_struct *vma;
	unsigned long addr;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;
	int i;

	mmap_read_lock(mm);
	for (addr = TENURE_WINDOW; addr < end; addr = vma->vm_end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start >= end)
			break;
		write_vma(proc, vma);
	}
	/* The window lies in one page table. */
	pte = walk(mm, TENURE_WINDOW, &pmd);
	if (pte) {
		ptl = pte_lockptr(mm, pmd);
		spin_lock(ptl);
		for (i = 0; i < TENURE_PAGES; i++)
			if (!pte_none(pte[i]))
				write_pte(proc, i, pte[i]);
		spin_unlock(ptl);
	}
	mmap_read_unlock(mm);
}

static void write_ref(u8 kind, u8 id, u8 index, unsigned long pfn)
{
	struct tenure_ref *r;

	if (answer.refs == MAX_REFS) {
		overflow = true;
		return;
	}
	r = &refs[answer.refs++];
	r->kind = kind;
	r->id = id;
	r->index = index;
	r->frame = frame_index(pfn);
}

/* A page of a file, if it is in the page cache. */
static void write_cached(u8 id, u8 index)
{
	struct page *page = xa_load(&files[id]->f_mapping->i_pages, index);

	if (page && !xa_is_value(page))
		write_ref(TENURE_REF_OBJ, id, index, page_to_pfn(page));
}

static int put(u32 end, u32 *at, const void *from, u32 bytes)
{
	if (end - *at < bytes)
		return -ENOSPC;
	memcpy(shared + *at, from, bytes);
	*at += bytes;
	return 0;
}

static int write_answer(struct tenure_call *call)
{
	u32 start = call->answer, end = TENURE_SHM_SIZE;
	u32 at = start + sizeof(answer);
	unsigned int i, j;
	int err = 0;

	if (!shared)
		return -ENXIO;
	if (do_lru_add_drain)
		do_lru_add_drain();
	memset(&answer, 0, sizeof(answer));
	answer.ret = call->ret;
	answer.data = call->data;
	answer.data2 = call->data2;
	for (i = 0; i < TENURE_PROCS; i++) {
		if (!mms[i])
			continue;
		if (!mmget_not_zero(mms[i]))
			continue;
		answer.alive |= 1 << i;
		write_mm(i, mms[i]);
		mmput(mms[i]);
	}
	for (i = 0; i < TENURE_OBJS; i++)
		for (j = 0; objs[i].alive && j < TENURE_OBJ_PAGES; j++)
			if (objs[i].file)
				write_cached(i, j);
			else if (j < objs[i].pages)
				write_ref(TENURE_REF_OBJ, i, j, objs[i].pfn[j]);
	for (i = 0; i < TENURE_HANDLES; i++)
		for (j = 0; j < handles[i].pages; j++)
			if (handles[i].page[j])
				write_ref(TENURE_REF_HANDLE, i, j,
					 page_to_pfn(handles[i].page[j]));
	answer.events = nr_events;
	answer.overflow = overflow;
	if (start < TENURE_ANSWERS_OFFSET || end - start < sizeof(answer))
		return -ENOSPC;
	err = err ?: put(end, &at, vmas, answer.vmas * sizeof(vmas[0]));
	err = err ?: put(end, &at, ptes, answer.ptes * sizeof(ptes[0]));
	err = err ?: put(end, &at, frames, answer.frames * sizeof(frames[0]));
	err = err ?: put(end, &at, refs, answer.refs * sizeof(refs[0]));
	err = err ?: put(end, &at, events, answer.events * sizeof(events[0]));
	answer.bytes = at - start;
	err = err ?: put(end, &start, &answer, sizeof(answer));
	nr_events = 0;
	overflow = false;
	return err ?: answer.bytes;
}

/* --- what the agent asks for -------------------------------------------- */

static int perform(const struct tenure_op *op, struct tenure_call *call)
{
	const u32 *a = op->a;
	unsigned long addr = TENURE_WINDOW + (unsigned long)a[0] * PAGE_SIZE;
	bool held = op->pad & TENURE_HELD;
	struct vm_area_struct *vma;
	struct found f = {};
	unsigned int i;
	bool unlocked;
	u32 *data;
	int err;

	switch (op->op) {
	case TENURE_OBJ:
	case TENURE_OBJ_DATA:
	case TENURE_ZAP:
	case TENURE_MOVE:
	case TENURE_FREE:
	case TENURE_MOVE_NOUNMAP:
	case TENURE_FREE_NOUNMAP:
		if (a[0] >= TENURE_OBJS)
			return -EINVAL;
		break;
	case TENURE_PIN:
	case TENURE_PIN_FAST:
	case TENURE_GET:
	case TENURE_GET_FAST:
	case TENURE_PIN_REMOTE:
	case TENURE_UNPIN:
	case TENURE_PUT:
	case TENURE_HANDLE_READ:
	case TENURE_HANDLE_WRITE:
		if (a[0] >= TENURE_HANDLES)
			return -EINVAL;
		break;
	case TENURE_NOTIFIER_ADD:
	case TENURE_NOTIFIER_REMOVE:
	case TENURE_NOTIFIER_BEGIN:
	case TENURE_NOTIFIER_RETRY:
		if (a[0] >= TENURE_NOTIFIERS)
			return -EINVAL;
		break;
	}

	switch (op->op) {
	case TENURE_OBJ:
		return object_create(&objs[a[0]], a);
	case TENURE_OBJ_DATA:
		if (!objs[a[0]].alive || objs[a[0]].file || a[1] >= objs[a[0]].pages)
			return -EINVAL;
		*frame_data(objs[a[0]].pfn[a[1]]) = a[2];
		return 0;
	case TENURE_ZAP:
		if (objs[a[0]].file)
			return -EBADF;
		object_unmap(&objs[a[0]], a[1], a[2], a[3]);
		return 0;
	case TENURE_MOVE:
		return object_move(&objs[a[0]], a[1], true);
	case TENURE_MOVE_NOUNMAP:
		return object_move(&objs[a[0]], a[1], false);
	case TENURE_FREE:
		return object_free(&objs[a[0]], true);
	case TENURE_FREE_NOUNMAP:
		return object_free(&objs[a[0]], false);
	case TENURE_ZAP_VMA:
		mmap_read_lock(current->mm);
		vma = find_vma(current->mm, addr);
		if (!vma || vma->vm_start > addr) {
			err = -EFAULT;
		} else {
			err = 0;
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
			zap_vma_ptes(vma, addr, (unsigned long)a[1] * PAGE_SIZE);
#else
			zap_special_vma_range(vma, addr, (unsigned long)a[1] * PAGE_SIZE);
#endif
		}
		mmap_read_unlock(current->mm);
		return err;
	case TENURE_PIN:
	case TENURE_PIN_FAST:
	case TENURE_GET:
	case TENURE_GET_FAST:
		return gup(&handles[a[0]], op->op,
			   TENURE_WINDOW + (unsigned long)a[1] * PAGE_SIZE, a[2], a[3], held);
	case TENURE_PIN_REMOTE:
		return pin_remote(&handles[a[0]],
				  TENURE_WINDOW + (unsigned long)a[1] * PAGE_SIZE, a[2], a[3]);
	case TENURE_UNPIN:
	case TENURE_PUT:
		return handle_drop(&handles[a[0]], op->op == TENURE_UNPIN, a[1]);
	case TENURE_HANDLE_READ:
	case TENURE_HANDLE_WRITE:
		i = a[1];
		if (i >= handles[a[0]].pages || !handles[a[0]].page[i])
			return -EBADSLT;
		data = page_address(handles[a[0]].page[i]);
		if (op->op == TENURE_HANDLE_WRITE &&
		    page_to_pfn(handles[a[0]].page[i]) == zero_pfn_here)
			return -EPERM;
		if (op->op == TENURE_HANDLE_WRITE)
			*data = a[2];
		call->data = *data;
		return 0;
	case TENURE_FOLLOW_PFN:
	case TENURE_FOLLOW_PTE:
	case TENURE_FOLLOW_PHYS:
	case TENURE_FOLLOW_PFNMAP:
		err = follow(op->op, addr, a[1], held, &f);
		if (!err) {
			call->data = f.pfn;
			call->data2 = f.write | f.special << 1;
		}
		return err;
	case TENURE_FIXUP_FAULT:
		/*
		 * Twice: a copy on write of a PFN goes through the user's entry,
		 * whose accessed bit it may set; the entry is then not the same
		 * any more, and the fault is to be taken again.
		 */
		for (i = op->pad & TENURE_ONCE ? 1 : 0; i < 2; i++) {
			unlocked = false;
			if (!held)
				mmap_read_lock(current->mm);
			err = fixup_user_fault(current->mm, addr,
					       a[1] ? FAULT_FLAG_WRITE : 0, &unlocked);
			if (!held)
				mmap_read_unlock(current->mm);
			call->data = unlocked;
			if (err)
				break;
		}
		return err;
	case TENURE_NOTIFIER_ADD:
		return notifier_add(a[0], TENURE_WINDOW + (unsigned long)a[1] * PAGE_SIZE, a[2]);
	case TENURE_NOTIFIER_REMOVE:
		return notifier_remove(a[0]);
	case TENURE_NOTIFIER_BEGIN:
	case TENURE_NOTIFIER_RETRY:
		if (!notifiers[a[0]].used)
			return -EBADSLT;
		if (op->op == TENURE_NOTIFIER_BEGIN)
			notifiers[a[0]].seq = mmu_interval_read_begin(&notifiers[a[0]].mni);
		else
			call->data = mmu_interval_read_retry(&notifiers[a[0]].mni,
							     notifiers[a[0]].seq);
		return 0;
	case TENURE_LOCK_READ:
		mmap_read_lock(current->mm);
		return 0;
	case TENURE_UNLOCK_READ:
		mmap_read_unlock(current->mm);
		return 0;
	case TENURE_PFN_READ:
	case TENURE_PFN_WRITE:
		data = owned_frame(a[0]);
		if (!data)
			return -EFAULT;
		if (op->op == TENURE_PFN_WRITE)
			WRITE_ONCE(*data, a[1]);
		call->data = READ_ONCE(*data);
		return 0;
	case TENURE_LOOKUP:
		vma = find_vma(current->mm, addr);
		call->data = vma && vma->vm_start <= addr;
		return 0;
	}
	return -EOPNOTSUPP;
}

/* Nothing that the process has ever pinned is remembered. */
static void forget_pins(struct mm_struct *mm)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
	atomic_set(&mm->has_pinned, 0);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	clear_bit(MMF_HAS_PINNED, &mm->flags);
#else
	mm_flags_clear(MMF_HAS_PINNED, mm);
#endif
}

static int turn(unsigned int next, unsigned int who)
{
	if (next < ARRAY_SIZE(turns))
		complete(&turns[next]);
	if (who >= ARRAY_SIZE(turns))
		return 0;
	return wait_for_completion_killable(&turns[who]);
}

static void reset(void)
{
	unsigned int i;

	for (i = 0; i < TENURE_NOTIFIERS; i++)
		if (notifiers[i].used)
			notifier_remove(i);
	for (i = 0; i < TENURE_HANDLES; i++)
		if (handles[i].pages)
			handle_drop(&handles[i], handles[i].pin, false);
	for (i = 0; i < TENURE_PROCS; i++) {
		if (watches[i].used)
			mmu_notifier_unregister(&watches[i].mn, mms[i]);
		watches[i].used = false;
		if (mms[i] && mmget_not_zero(mms[i])) {
			forget_pins(mms[i]);
			mmput(mms[i]);
		} else if (mms[i]) {
			mmdrop(mms[i]);
			mms[i] = NULL;
			reinit_completion(&turns[i]);
		}
	}
	for (i = 0; i < TENURE_OBJS; i++)
		if (objs[i].alive)
			object_free(&objs[i], true);
	for (i = 0; i < nr_quarantine; i++)
		__free_page(pfn_to_page(quarantine[i]));
	nr_quarantine = 0;
	vram_next = 0;
	memset(vram_freed, 0, sizeof(vram_freed));
	nr_events = 0;
	overflow = false;
}

static struct mm_struct *mm_of(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;

	if (task)
		put_task_struct(task);
	put_pid(pid);
	return mm;
}

static int enter(unsigned int i, pid_t pid)
{
	struct mm_struct *mm;
	int err = 0;

	if (i >= TENURE_PROCS)
		return -EINVAL;
	mm = mm_of(pid);
	if (!mm)
		return -ESRCH;
	if (mms[i]) {
		if (watches[i].used)
			mmu_notifier_unregister(&watches[i].mn, mms[i]);
		watches[i].used = false;
		mmdrop(mms[i]);
	}
	mms[i] = mm;
	mmgrab(mm);
	if (watching) {
		watches[i].mn.ops = &watch_ops;
		err = mmu_notifier_register(&watches[i].mn, mm);
		watches[i].used = !err;
	}
	mmput(mm);
	return err;
}

/* A file that the agent has, and that the dump shows the pages of. */
static int give_file(unsigned int i, int fd)
{
	if (i >= TENURE_OBJS || files[i])
		return -EINVAL;
	files[i] = fget(fd);
	return files[i] ? 0 : -EBADF;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tenure_call call;
	struct tenure_op op;
	phys_addr_t phys;

	switch (cmd) {
	case TENURE_IOC_SETUP:
		if (copy_from_user(&phys, (void __user *)arg, sizeof(phys)))
			return -EFAULT;
		if (shared)
			return -EBUSY;
		shared = (u8 __force *)ioremap(phys, TENURE_SHM_SIZE);
		vram_phys = phys + TENURE_VRAM_OFFSET;
		vram = shared + TENURE_VRAM_OFFSET;
		mapping = file->f_mapping;
		return shared ? LINUX_VERSION_CODE & 0x7fffffff : -ENOMEM;
	case TENURE_IOC_RESET:
		reset();
		watching = arg & TENURE_WATCH;
		quiet = arg & TENURE_QUIET;
		return 0;
	case TENURE_IOC_FILE:
		return give_file(arg >> 16, arg & 0xffff);
	case TENURE_IOC_ENTER:
		return enter(arg & 0xff, arg >> 8);
	case TENURE_IOC_TURN:
		return turn(arg & 0xff, arg >> 8 & 0xff);
	case TENURE_IOC_DRAIN:
		if (!do_lru_add_drain_all)
			return -EOPNOTSUPP;
		do_lru_add_drain_all();
		return 0;
	case TENURE_IOC_QUIET:
		if (copy_from_user(&call, (void __user *)arg, sizeof(call)) ||
		    copy_from_user(&op, u64_to_user_ptr(call.op), sizeof(op)))
			return -EFAULT;
		call.data = 0;
		call.data2 = 0;
		call.ret = perform(&op, &call);
		return copy_to_user((void __user *)arg, &call, sizeof(call)) ? -EFAULT : 0;
	case TENURE_IOC_DO:
	case TENURE_IOC_DUMP:
		if (copy_from_user(&call, (void __user *)arg, sizeof(call)))
			return -EFAULT;
		if (cmd == TENURE_IOC_DO) {
			if (copy_from_user(&op, u64_to_user_ptr(call.op), sizeof(op)))
				return -EFAULT;
			call.data = 0;
			call.data2 = 0;
			call.ret = perform(&op, &call);
		}
		return write_answer(&call);
	}
	return -ENOTTY;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.mmap = dev_mmap,
	.unlocked_ioctl = dev_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tenure",
	.fops = &fops,
};

/* Modules may not look symbols up; a probe that is placed and removed tells the address. */
static void *find_symbol(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *addr;

	if (register_kprobe(&kp))
		return NULL;
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

static int __init tenure_init(void)
{
	unsigned int i;

	for (i = 0; i < TENURE_OBJS; i++)
		mutex_init(&objs[i].lock);
	for (i = 0; i < ARRAY_SIZE(turns); i++)
		init_completion(&turns[i]);
	do_lru_add_drain_all = find_symbol("lru_add_drain_all");
	do_lru_add_drain = find_symbol("lru_add_drain");
	if (!do_lru_add_drain)
		pr_warn("tenure: no lru_add_drain: reference counts are not exact\n");
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	do_follow_phys = find_symbol("follow_phys");
#endif
	zero_pfn_here = page_to_pfn(ZERO_PAGE(0));
	return misc_register(&device);
}

static void __exit tenure_exit(void)
{
	unsigned int i;

	misc_deregister(&device);
	for (i = 0; i < TENURE_OBJS; i++)
		if (files[i])
			fput(files[i]);
	if (shared)
		iounmap((void __iomem *)shared);
}

module_init(tenure_init);
module_exit(tenure_exit);
MODULE_DESCRIPTION("Memory operations for tenure's conformance runs");
MODULE_LICENSE("Dual MIT/GPL");
