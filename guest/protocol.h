/* SPDX-License-Identifier: MIT */
/*
 * What the host, the agent and the module say to each other.
 *
 * The host puts a batch of operations into memory that it shares with the
 * guest (an ivshmem BAR), and writes one byte to the guest's second serial
 * line. The agent does them, puts an answer for each behind them, and writes
 * one byte back. An answer is the operation's result followed by a dump of
 * everything that can be seen: VMAs, page table entries, frames, and what was
 * called back since the last answer.
 *
 * src/conform/protocol.ts has the same numbers; a test compares the two.
 */
#ifndef TENURE_PROTOCOL_H
#define TENURE_PROTOCOL_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

#define TENURE_MAGIC		0x746e7265
#define TENURE_VERSION		2

/* How much there is of everything. */
#define TENURE_PROCS		4
#define TENURE_PAGES		16	/* the window of each process */
#define TENURE_OBJS		4
#define TENURE_OBJ_PAGES	4
#define TENURE_HANDLES		8
#define TENURE_HANDLE_PAGES	8
#define TENURE_NOTIFIERS	4

#define TENURE_WINDOW		0x20000000UL
/* An object's offset in the device, in pages. */
#define TENURE_OBJ_STRIDE	256

/* Where things are in the shared memory. */
#define TENURE_SHM_SIZE		(64UL << 20)
#define TENURE_VRAM_OFFSET	(1UL << 20)
#define TENURE_VRAM_SIZE	(1UL << 20)
#define TENURE_OPS_OFFSET	(2UL << 20)
#define TENURE_OPS_SIZE		(6UL << 20)
#define TENURE_ANSWERS_OFFSET	(8UL << 20)
#define TENURE_ANSWERS_SIZE	(56UL << 20)

struct tenure_header {
	u32 magic;
	u32 version;
	u32 ops;		/* how many the host asks for */
	u32 answers;		/* how many the guest has answered */
	u32 answer_bytes;
	u32 kernel;		/* LINUX_VERSION_CODE of the module */
	u32 status;		/* 0, or a negative errno: the batch was not done */
	u32 taint;
};

enum tenure_opcode {
	TENURE_RESET = 1,	/* watch: all processes gone, all objects freed; process 0 is born */
	TENURE_OBJ = 2,		/* obj, flags, insert, backing, pages */
	TENURE_OBJ_DATA = 3,	/* obj, page, value */
	TENURE_LOAD = 10,	/* page */
	TENURE_STORE = 11,	/* page, value */
	TENURE_MMAP = 12,	/* page, pages, prot, flags, obj | offset << 8 */
	TENURE_MUNMAP = 13,	/* page, pages */
	TENURE_MPROTECT = 14,	/* page, pages, prot */
	TENURE_MADVISE = 15,	/* page, pages, advice */
	TENURE_MREMAP = 16,	/* page, pages, new pages, flags, new page */
	TENURE_MLOCK = 17,	/* page, pages */
	TENURE_MUNLOCK = 18,	/* page, pages */
	TENURE_FORK = 19,	/* the child's number */
	TENURE_EXIT = 20,
	TENURE_VM_READ = 21,	/* whose, page */
	TENURE_VM_WRITE = 22,	/* whose, page, value */
	TENURE_PEEK = 23,	/* whose, page: /proc/PID/mem */
	TENURE_POKE = 24,	/* whose, page, value */
	TENURE_CORE = 25,	/* dumps its core and dies; the data is a bit for each page that is in the dump */
	TENURE_ZAP = 40,	/* obj, page, pages, even_cows: unmap_mapping_range */
	TENURE_MOVE = 41,	/* obj, backing: unmap, move the data, free the old frames */
	TENURE_FREE = 42,	/* obj: unmap, free the frames */
	TENURE_MOVE_NOUNMAP = 43,
	TENURE_FREE_NOUNMAP = 44,
	TENURE_ZAP_VMA = 45,	/* page, pages: zap_vma_ptes / zap_special_vma_range */
	/* Of objects that are files: */
	TENURE_FTRUNCATE = 46,	/* obj, pages */
	TENURE_PUNCH_HOLE = 47,	/* obj, index, pages */
	TENURE_PREAD = 48,	/* obj, index: how many pages were read, 0 or 1 */
	TENURE_PWRITE = 49,	/* obj, index, value: how many were written */
	TENURE_PIN = 50,	/* handle, page, pages, FOLL_ flags */
	TENURE_PIN_FAST = 51,
	TENURE_GET = 52,
	TENURE_GET_FAST = 53,
	TENURE_UNPIN = 54,	/* handle, dirty */
	TENURE_PUT = 55,	/* handle, dirty */
	TENURE_HANDLE_READ = 56,	/* handle, index */
	TENURE_HANDLE_WRITE = 57,	/* handle, index, value */
	TENURE_PIN_REMOTE = 58,	/* handle, page, whose, FOLL_ flags: pin_user_pages_remote */
	TENURE_FOLLOW_PFN = 60,	/* page */
	TENURE_FOLLOW_PTE = 61,
	TENURE_FOLLOW_PHYS = 62,	/* page, FOLL_ flags */
	TENURE_FOLLOW_PFNMAP = 63,
	TENURE_FIXUP_FAULT = 64,	/* page, FAULT_FLAG_WRITE or 0 */
	TENURE_NOTIFIER_ADD = 70,	/* notifier, page, pages */
	TENURE_NOTIFIER_REMOVE = 71,
	TENURE_NOTIFIER_BEGIN = 72,	/* notifier: mmu_interval_read_begin */
	TENURE_NOTIFIER_RETRY = 73,	/* notifier: mmu_interval_read_retry */
	/* These only in a race: */
	TENURE_LOCK_READ = 80,	/* mmap_read_lock */
	TENURE_UNLOCK_READ = 81,
	TENURE_PFN_READ = 82,	/* pfn */
	TENURE_PFN_WRITE = 83,	/* pfn, value */
	TENURE_LOOKUP = 84,	/* page: whether a VMA holds it */
	TENURE_SET = 92,	/* which of TENURE_ALU, left, right */
	TENURE_JUMP = 93,	/* where to */
	TENURE_BRANCH = 94,	/* condition, where to if it is so, and if not */
	TENURE_STOP = 95,
	TENURE_VAR_GET = 96,	/* variable */
	TENURE_VAR_SET = 97,	/* variable, value */
	TENURE_MUTEX_LOCK = 98,	/* mutex */
	TENURE_MUTEX_UNLOCK = 99,
	/*
	 * Programs that run beside each other: how many, a seed, what SIGBUS and
	 * SIGSEGV are called, whether references are to be exact. Each program
	 * follows as TENURE_RACE_THREAD and its instructions, which are answered
	 * with the race. In an instruction `proc` is the register that takes the
	 * result (255: none), and a bit of `pad` says that an argument is in a
	 * register.
	 */
	TENURE_RACE = 100,
	TENURE_RACE_THREAD = 101,	/* whose; how many instructions */
	TENURE_RACE_REG = 102,	/* thread, register */
	TENURE_RACE_VAR = 103,	/* variable */
};

/* What TENURE_SET computes. */
enum tenure_alu {
	TENURE_ALU_EQ = 0,
	TENURE_ALU_NE = 1,
	TENURE_ALU_LT = 2,
	TENURE_ALU_LE = 3,
	TENURE_ALU_GT = 4,
	TENURE_ALU_GE = 5,
	TENURE_ALU_LAND = 6,
	TENURE_ALU_LOR = 7,
	TENURE_ALU_ADD = 8,
	TENURE_ALU_SUB = 9,
	TENURE_ALU_OR = 10,
	TENURE_ALU_AND = 11,
};

/* To the module, in `pad`: the caller holds the mmap_lock; nothing is done twice. */
#define TENURE_HELD		1
#define TENURE_ONCE		2

/* In the argument of TENURE_RESET. */
#define TENURE_WATCH		1
#define TENURE_QUIET		2	/* no events: there will be a race */

#define TENURE_RACE_THREADS	6
#define TENURE_RACE_REGS	24
#define TENURE_RACE_VARS	8
#define TENURE_RACE_MUTEXES	8

/* FOLL_ flags: their numbers are not the same in all kernels. */
#define TENURE_FOLL_WRITE	1
#define TENURE_FOLL_FORCE	2
#define TENURE_FOLL_LONGTERM	4
#define TENURE_FOLL_NOFAULT	8	/* before 5.16 there is none */

/* How a driver puts its memory into a VMA. */
enum tenure_insert {
	TENURE_INSERT_REMAP = 0,	/* remap_pfn_range in ->mmap */
	TENURE_INSERT_PFN = 1,		/* vmf_insert_pfn in ->fault */
	TENURE_INSERT_MIXED = 2,	/* vmf_insert_mixed in ->fault */
	TENURE_INSERT_PAGE_EARLY = 3,	/* vm_insert_page in ->mmap */
	TENURE_INSERT_PAGE = 4,		/* vm_insert_page in ->fault */
	TENURE_INSERT_RETURN = 5,	/* ->fault returns the page */
	TENURE_INSERT_FILE = 6,		/* it is a memfd */
};

/* What is behind an object. */
enum tenure_backing {
	TENURE_BACKING_SYSTEM = 0,	/* pages of RAM */
	TENURE_BACKING_VRAM = 1,	/* device memory: it has no struct page */
};

/* Instead of an object, in TENURE_MMAP. */
#define TENURE_OBJ_ANON		0xff

struct tenure_op {
	u8 op;
	u8 proc;
	u16 pad;
	u32 a[5];
};

/* No process, or the agent itself. */
#define TENURE_NOBODY		255

/* A result that is a signal: -(TENURE_SIGNAL + number). */
#define TENURE_SIGNAL		10000

/* Not in this kernel, or the process is not there. */
#define TENURE_ABSENT		(-20000)

struct tenure_answer {
	u32 bytes;		/* with everything that follows */
	s32 ret;
	u32 data;
	u32 data2;
	u8 vmas;
	u8 ptes;
	u8 frames;
	u8 events;
	u8 refs;		/* frames that objects and handles name */
	u8 alive;		/* a bit for each process */
	u16 overflow;		/* something did not fit: the dump is incomplete */
};

#define TENURE_VMA_ANON		0xff
#define TENURE_VMA_SHMEM	0xfe

struct tenure_vma {
	u8 proc;
	u8 start;
	u8 end;
	u8 obj;
	u32 pgoff;
	u64 flags;
};

#define TENURE_PTE_PRESENT	1
#define TENURE_PTE_WRITE	2
#define TENURE_PTE_SPECIAL	4
#define TENURE_PTE_DIRTY	8
#define TENURE_PTE_YOUNG	16
#define TENURE_PTE_PROTNONE	32
#define TENURE_PTE_OTHER	64	/* not none, not present: swap, migration, marker */

struct tenure_pte {
	u8 proc;
	u8 page;
	u8 bits;
	u8 frame;
};

#define TENURE_FRAME_VALID	1	/* it has a struct page */
#define TENURE_FRAME_ANON	2
#define TENURE_FRAME_EXCLUSIVE	4
#define TENURE_FRAME_DIRTY	8
#define TENURE_FRAME_LRU	16
#define TENURE_FRAME_ZERO	32
#define TENURE_FRAME_MAPPING	128	/* it belongs to a file */
#define TENURE_FRAME_QUARANTINE	256	/* its owner has freed it */
#define TENURE_FRAME_VRAM	512
#define TENURE_FRAME_MOVABLE	1024	/* in ZONE_MOVABLE */

struct tenure_frame {
	u32 pfn;
	s32 refcount;
	s32 mapcount;
	u16 flags;
	u16 pad;
	u32 data;
};

#define TENURE_REF_OBJ		1	/* id: object, index: page */
#define TENURE_REF_HANDLE	2	/* id: handle, index: page */

struct tenure_ref {
	u8 kind;
	u8 id;
	u8 index;
	u8 frame;
};

enum tenure_event_kind {
	TENURE_EVENT_OPEN = 1,		/* id: object; start and end of the VMA */
	TENURE_EVENT_CLOSE = 2,
	TENURE_EVENT_FAULT = 3,		/* id: object; start: page of the object; end: write */
	TENURE_EVENT_SPLIT = 4,
	TENURE_EVENT_MREMAP = 5,
	TENURE_EVENT_MMAP = 6,
	TENURE_EVENT_INVALIDATE = 7,	/* id: notifier; start and end of the range; arg: event */
	TENURE_EVENT_RANGE_START = 8,	/* id: process */
	TENURE_EVENT_RANGE_END = 9,
	TENURE_EVENT_RELEASE = 10,
};

/* start and end are pages of the window, 0 and 255 when they lie before and behind it. */
struct tenure_event {
	u8 kind;
	u8 id;
	u8 start;
	u8 end;
	u8 proc;
	u8 arg;
	u16 pad;
};

/* The agent to the module. Numbers 1 and 2 never reach a driver. */
struct tenure_call {
	u64 op;			/* address of a struct tenure_op */
	u32 answer;		/* where in the shared memory the answer goes */
	s32 ret;		/* of the agent's own operation */
	u32 data;
	u32 data2;
};

#define TENURE_IOC_DO		0x7410	/* do the operation, answer */
#define TENURE_IOC_DUMP		0x7411	/* answer for what the agent did */
#define TENURE_IOC_ENTER	0x7412	/* arg: a process's number, and its pid << 8 */
#define TENURE_IOC_RESET	0x7413	/* forget everything; arg: watch range starts and ends */
#define TENURE_IOC_QUIET	0x7415	/* do the operation, say its result, dump nothing */
#define TENURE_IOC_DRAIN	0x7416	/* no CPU keeps pages back */
#define TENURE_IOC_TURN		0x7417	/* arg: whose turn it is | << 8 who waits for the next; TENURE_NOBODY: none */
#define TENURE_IOC_FILE		0x7418	/* arg: the file descriptor of an object that is a file, and its number << 16 */
#define TENURE_IOC_SETUP	0x7414	/* physical address of the shared memory; gives LINUX_VERSION_CODE */

#endif
