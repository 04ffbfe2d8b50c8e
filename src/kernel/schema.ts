import { flag, i8, Layout, ref, u8, upTo } from '../state/index.ts'

/** How many of each thing there are, and what they are called. A set of size 0 takes no room: its tables vanish. */
export type Sizes = {
  readonly thread: readonly string[]
  /** Frames that one thread's stack can have; the slots that all of them have together, and those of them that name frames. */
  readonly stack: number
  readonly slot: number
  readonly ghost: number
  readonly reg: number
  readonly var: readonly string[]
  readonly mm: readonly string[]
  readonly vpn: number
  readonly vma: number
  readonly pfn: number
  /** Who a frame can belong to: `anonymous memory of A`, `bo B`, `another process`. */
  readonly owner: readonly string[]
  readonly bo: readonly string[]
  readonly boPage: number
  /** As many as there are objects when their references are counted, or none. */
  readonly krefBo: number
  readonly lock: readonly string[]
  readonly notifier: readonly string[]
  readonly dma: number
  /** DMA mappings that have a direction: as many as there are of them all, or none. */
  readonly mapping: number
  /** Its ids are those of the objects: each is exported at most once. None when no object is exported. */
  readonly dma_buf: readonly string[]
  readonly attachment: readonly string[]
  readonly fd: number
  readonly object: readonly string[]
}

const numbered = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}${i}`)
const set = (names: readonly string[]) => ({ size: names.length, names })

/** How many values vm_pgoff has. */
export const pgoffs = (n: Pick<Sizes, 'boPage' | 'vpn'>): number => n.boPage + 2 * n.vpn + 1

/**
 * The whole state of a kernel under test, as tables in one flat buffer. Fields bear the kernel's names.
 *
 * Three kinds of field are ours. *Constants* of a test (the zone of a frame, the mm of a thread) are not here, they are in the
 * configuration. *Ghosts* (`stale`, `was`, `gets`) are what a person who sees everything knows: they are set by the kernel's steps,
 * read by the invariants, and never decide what a step does. *Stack* fields (`depth`, `code`, `pc`, `slot`) are where a thread is.
 */
export function layoutFor(n: Sizes) {
  return new Layout({
    sets: {
      thread: set(n.thread),
      stack: { size: n.stack },
      slot: { size: n.slot },
      ghost: { size: n.ghost },
      reg: { size: n.reg },
      var: set(n.var),
      mm: set(n.mm),
      vpn: set(numbered('v', n.vpn)),
      vma: set(numbered('vma', n.vma)),
      pfn: set(numbered('f', n.pfn)),
      owner: set(n.owner),
      bo: set(n.bo),
      boPage: { size: n.boPage },
      krefBo: { size: n.krefBo },
      lock: set(n.lock),
      notifier: set(n.notifier),
      dma: set(numbered('dma', n.dma)),
      mapping: { size: n.mapping },
      dma_buf: set(n.dma_buf),
      attachment: set(n.attachment),
      fd: { size: n.fd },
      object: set(n.object),
      one: { size: 1 },
    },
    tables: {
      /** `depth` frames are on the stack, none when it has ended. `ret` is what the last call returned, until the caller has seen it. */
      thread: { by: ['thread'], cols: { depth: upTo(n.stack), ret: i8 } },
      frame: { by: ['thread', 'stack'], cols: { code: u8, pc: u8 } },
      /**
       * Arguments and locals, those that name frames with their ghosts; registers. Ghosts: `stale`, it names a frame that has been freed since it
       * was looked up (or a VMA whose lock was dropped); `readonly`, it was looked up through a mapping, or pinned, for reading only.
       */
      slot: { by: ['thread', 'slot'], cols: { value: i8 } },
      ghost: { by: ['thread', 'ghost'], cols: { stale: flag, readonly: flag } },
      reg: { by: ['thread', 'reg'], cols: { value: i8, stale: flag, readonly: flag } },
      /** Variables that the threads share: a driver's fields and globals. */
      var: { by: ['var'], cols: { value: i8, stale: flag, readonly: flag } },

      /** Who holds which lock: 0 not, 1 for reading, 2 for writing (a mutex or spinlock is held for writing). */
      hold: { by: ['lock', 'thread'], cols: { mode: upTo(2) } },

      /** `born` since fork (or ever), `alive` until exit. `invalidate_seq` and `active_invalidate_ranges` are those of its notifier subscriptions; odd: invalidating. `write_protect_seq`: odd while fork copies. `pgtable`: it has a page table (where that decides who is notified). */
      mm: {
        by: ['mm'],
        cols: {
          born: flag,
          alive: flag,
          has_pinned: flag,
          invalidate_seq: upTo(127),
          write_protect_seq: upTo(7),
          pgtable: flag,
          active_invalidate_ranges: upTo(15),
        },
      },
      /** Start and end are page numbers. `vm_file` is the object it maps; none is anonymous memory. A VMA without an mm is a free slot. */
      vma: {
        by: ['vma'],
        cols: {
          vm_mm: ref('mm'),
          vm_start: upTo(n.vpn),
          vm_end: upTo(n.vpn),
          /** Of anonymous memory: the address at which it was mapped, which it keeps when it moves. Larger numbers come round. */
          vm_pgoff: upTo(pgoffs(n) - 1),
          vm_file: ref('bo'),
          VM_READ: flag,
          VM_WRITE: flag,
          VM_MAYWRITE: flag,
          VM_SHARED: flag,
          VM_MAYSHARE: flag,
          VM_IO: flag,
          VM_PFNMAP: flag,
          VM_MIXEDMAP: flag,
          VM_DONTEXPAND: flag,
          VM_DONTCOPY: flag,
          VM_WIPEONFORK: flag,
          VM_LOCKED: flag,
          VM_PAT: flag,
          VM_ACCOUNT: flag,
          /** 0: nothing was ever written to. VMAs of one mm with the same number share one. `fork_child`: its pages may be an ancestor's, too. */
          anon_vma: upTo(n.vma),
          fork_child: flag,
          /** Its vm_file is that of the dma-buf of the object, and holds a reference to it. */
          dma_buf: flag,
        },
      },
      pte: {
        by: ['mm', 'vpn'],
        cols: { present: flag, write: flag, special: flag, dirty: flag, pfn: ref('pfn'), stale: flag },
      },

      /**
       * A frame. No owner: it is free. `refcount` is without pins, each of which counts 1024 more in the kernel.
       * Ghosts: `gets`, those of the references that kernel code took by FOLL_GET or get_page; `was`, whose it was before it was freed
       * (only while somebody stale still names it); `pin_mm` and `pin_addr`, where it was pinned, and `get_mm`, of whom a reference was got;
       * `lost`, it was written after it was cleaned and nobody has said so.
       */
      page: {
        by: ['pfn'],
        cols: {
          owner: ref('owner'),
          refcount: upTo(31),
          mapcount: upTo(31),
          pins: upTo(31),
          longterm: upTo(31),
          gets: upTo(31),
          exclusive: flag,
          dirty: flag,
          data: i8,
          was: ref('owner'),
          pin_mm: ref('mm'),
          pin_addr: ref('vpn'),
          get_mm: ref('mm'),
          lost: flag,
        },
      },

      /**
       * What a driver maps out, or a file. `alive` until it is freed; `vram`: where its pages are; `size` in pages, which a truncation makes
       * smaller. `bo_page` is the page cache of a file: a page that is not there is read from `disk`, or made, by a fault.
       */
      bo: { by: ['bo'], cols: { alive: flag, vram: flag, size: upTo(n.boPage) } },
      bo_page: { by: ['bo', 'boPage'], cols: { pfn: ref('pfn'), disk: i8 } },
      /** References to an object whose driver counts them: the handle's, and those of its mappings. */
      bo_kref: { by: ['krefBo'], cols: { refcount: upTo(15) } },

      /** An interval notifier (`deferred`: being inserted or removed while an invalidation runs), and the translation that its secondary MMU (a device's, a guest's) has for each address. */
      notifier: { by: ['notifier'], cols: { registered: flag, deferred: flag, invalidate_seq: upTo(127) } },
      secondary: {
        by: ['notifier', 'vpn'],
        cols: { present: flag, write: flag, pfn: ref('pfn'), stale: flag },
      },

      /** What an IOMMU or a bus lets a device reach. */
      dma: { by: ['dma'], cols: { active: flag, pfn: ref('pfn'), stale: flag, readonly: flag } },

      /** Of a DMA mapping that has a direction: whose it is when a dma-buf's, and the bounce buffer when it goes through one (swiotlb). */
      mapping: {
        by: ['mapping'],
        cols: { attachment: ref('attachment'), dir: upTo(3), bounced: flag, bounce: i8 },
      },

      /**
       * A dma-buf, by the object that it exports. `f_count` is that of its file; `released`: the last of them is gone. `pin_count` keeps the exporter
       * from moving it, `fences` are those of its dma_resv that have not signaled. `owns`: with it goes the memory. Ghost: `gets`, those of
       * the references that kernel code took.
       */
      dma_buf: {
        by: ['dma_buf'],
        cols: {
          exported: flag,
          released: flag,
          f_count: upTo(15),
          gets: upTo(15),
          pin_count: upTo(7),
          fences: upTo(7),
          revoked: flag,
          owns: flag,
        },
      },
      /** `detached`: it is freed. `sgt` is the mapping that was made and cached at attach. `pins`: those that the importer asked for. */
      attachment: {
        by: ['attachment'],
        cols: {
          dma_buf: ref('dma_buf'),
          detached: flag,
          sgt: ref('dma'),
          pins: upTo(7),
        },
      },
      /** A file descriptor of the processes, who share one table: its number is taken, and then the file is there, of a dma-buf or of another object. */
      fd: { by: ['fd'], cols: { taken: flag, file: ref('dma_buf'), object: ref('object') } },
      /** An object that kernel code allocates and counts. */
      object: { by: ['object'], cols: { refcount: upTo(15), freed: flag } },

      system: { by: ['one'], cols: { tainted: flag } },
    },
  })
}

export type KernelLayout = ReturnType<typeof layoutFor>
export type KernelRows = ReturnType<KernelLayout['open']>
/** The row of a table, as a type: `Row<'pte'>`. */
export type Row<T extends keyof KernelRows> = ReturnType<KernelRows[T]>

/** Where threads are and what operations remember: not what a person wants to see of a state, who reads the steps beside it. */
export const stackTables: ReadonlySet<string> = new Set(['thread', 'frame', 'slot', 'ghost'])
