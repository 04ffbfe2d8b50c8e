/**
 * Constants that litmus tests and operations share, under the kernel's names. Errnos have the kernel's values; flags have ours,
 * small enough for a register of eight bits.
 */
export const EPERM = 1
export const EINTR = 4
export const EIO = 5
export const ENXIO = 6
export const EBADF = 9
export const EAGAIN = 11
export const ENOMEM = 12
export const EACCES = 13
export const EFAULT = 14
export const EBUSY = 16
export const EEXIST = 17
export const ENODEV = 19
export const EINVAL = 22
export const EMFILE = 24
export const EMLINK = 31
export const ENOSYS = 38
export const EOPNOTSUPP = 95

/** What a user access gives that ends in a signal; data in tests is smaller than these. */
export const SIGBUS = 107
export const SIGSEGV = 111

export const PROT_NONE = 0
export const PROT_READ = 1
export const PROT_WRITE = 2

export const MAP_SHARED = 1
export const MAP_PRIVATE = 2
export const MAP_FIXED = 4
export const MAP_ANONYMOUS = 8
/** Ours: it is the file of the dma-buf that is mapped. */
export const MAP_DMA_BUF = 64

export const FOLL_WRITE = 1
export const FOLL_FORCE = 2
export const FOLL_LONGTERM = 4
/** [6.1+] Fail rather than fault the page in. */
export const FOLL_NOFAULT = 8

export const FAULT_FLAG_WRITE = 1
/** The caller can stand the mmap_lock being dropped. */
export const FAULT_FLAG_ALLOW_RETRY = 2
/** [6.1+] Make the page exclusive to this process, for a read pin. */
export const FAULT_FLAG_UNSHARE = 4
/** Of the task rather than of the fault: what it takes has to do for FOLL_LONGTERM. */
export const PF_MEMALLOC_PIN = 8

export const MREMAP_MAYMOVE = 1
export const MREMAP_FIXED = 2
export const MREMAP_DONTUNMAP = 4

export const MADV_DONTNEED = 4
export const MADV_FREE = 8
export const MADV_REMOVE = 9
export const MADV_DONTFORK = 10
export const MADV_DOFORK = 11
export const MADV_WIPEONFORK = 18
export const MADV_KEEPONFORK = 19
/** [5.14+] */
export const MADV_COLD = 20
export const MADV_PAGEOUT = 21
export const MADV_POPULATE_READ = 22
export const MADV_POPULATE_WRITE = 23
/** [5.18+] */
export const MADV_DONTNEED_LOCKED = 24

/** Ours, as they fit. What is a flag of user space's is not among them. */
export const VM_WRITE = 1
export const VM_MAYWRITE = 2
export const VM_SHARED = 4
export const VM_IO = 8
export const VM_PFNMAP = 16
export const VM_MIXEDMAP = 32
export const VM_DONTEXPAND = 64

/** vm_fault_t. 0 is "handled, try again". */
export const VM_FAULT_OOM = 1
export const VM_FAULT_SIGBUS = 2
export const VM_FAULT_SIGSEGV = 4
/** The mmap_lock was dropped. */
export const VM_FAULT_RETRY = 8

/** enum dma_data_direction */
export const DMA_BIDIRECTIONAL = 0
export const DMA_TO_DEVICE = 1
export const DMA_FROM_DEVICE = 2

/** Where a buffer object lives. */
export const system = 0
export const vram = 1

/** The constants by name, as litmus tests see them. */
export const constants: Readonly<Record<string, number>> = {
  EPERM,
  EINTR,
  EIO,
  ENXIO,
  EBADF,
  EAGAIN,
  ENOMEM,
  EACCES,
  EFAULT,
  EBUSY,
  EEXIST,
  ENODEV,
  EINVAL,
  EMFILE,
  EMLINK,
  ENOSYS,
  EOPNOTSUPP,
  SIGBUS,
  SIGSEGV,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  MAP_SHARED,
  MAP_PRIVATE,
  MAP_FIXED,
  MAP_ANONYMOUS,
  FOLL_WRITE,
  FOLL_FORCE,
  FOLL_LONGTERM,
  FOLL_NOFAULT,
  FAULT_FLAG_WRITE,
  FAULT_FLAG_ALLOW_RETRY,
  DMA_BIDIRECTIONAL,
  DMA_TO_DEVICE,
  DMA_FROM_DEVICE,
  MREMAP_MAYMOVE,
  MREMAP_FIXED,
  MREMAP_DONTUNMAP,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_DONTFORK,
  MADV_DOFORK,
  MADV_WIPEONFORK,
  MADV_KEEPONFORK,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_DONTNEED_LOCKED,
  VM_WRITE,
  VM_MAYWRITE,
  VM_SHARED,
  VM_IO,
  VM_PFNMAP,
  VM_MIXEDMAP,
  VM_DONTEXPAND,
  VM_FAULT_SIGBUS,
  system,
  vram,
  NULL: 0,
}

/** `EINVAL` for 22, as outcomes and timelines print it. */
export function errnoName(value: number): string | undefined {
  for (const [name, v] of Object.entries(constants)) if (v === value && /^E[A-Z]+$/.test(name)) return name
  return undefined
}
