// SPDX-License-Identifier: MIT
/*
 * The agent: the guest's init. It does the system calls of a batch of
 * operations, each in the process that the operation names, and has the module
 * write the answer after each.
 *
 * Process 255 is the agent itself; the others are its children, whoever forked
 * them (CLONE_PARENT). Only one of them runs at a time: it does operations as
 * long as they are its own, then passes the turn on.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "protocol.h"

#define MASTER		TENURE_PROCS
#define PAGE		4096UL
#define CORE		"/tmp/core"

/* A program of a race, and what it has in its registers. */
struct racer {
	u32 proc;
	u32 first;
	u32 count;
	s64 reg[TENURE_RACE_REGS];
};

struct control {
	u32 count;
	u32 position;
	u32 out;
	u32 dying;		/* process + 1 */
	u32 core;		/* it leaves one */
	u32 files;		/* a bit for each object that is a file */
	u32 clean;		/* process 0 has unmapped everything */
	s32 status;
	pid_t pid[TENURE_PROCS];

	u32 racers;		/* 0: there is no race */
	u32 starters;		/* how many start together; others are born later */
	u32 ready;
	u32 finished;
	u32 seed;
	u32 locking;		/* a program takes the mmap_lock */
	s32 sigbus;
	s32 sigsegv;
	struct racer racer[TENURE_RACE_THREADS];
	s64 var[TENURE_RACE_VARS];
	u32 mutex[TENURE_RACE_MUTEXES];
};

static struct control *control;
/*
 * What is shared with the host is mapped in the agent alone: a fork would copy
 * its 16384 page table entries. Operations are copied for the processes; the
 * module writes the answers.
 */
static u8 *shm;
static struct tenure_header *header;
static struct tenure_op *ops;
static int device;
static int files[TENURE_OBJS];	/* memfds, of which all processes have one open file */
static int line;
static int me = MASTER;
static u32 module_version;

static void die(const char *what)
{
	fprintf(stderr, "tenure-agent: %s: %s\n", what, strerror(errno));
	fflush(stderr);
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void *window(u32 page)
{
	return (void *)(TENURE_WINDOW + page * PAGE);
}

/* --- whose turn it is --------------------------------------------------- */

/* The module passes the turn on: what sleeps and wakes there is less than two futexes. */
static void post(int next)
{
	ioctl(device, TENURE_IOC_TURN, TENURE_NOBODY << 8 | next);
}

static void post_and_wait(int next)
{
	ioctl(device, TENURE_IOC_TURN, me << 8 | next);
}

/* --- answers ------------------------------------------------------------ */

static void answered(long bytes)
{
	if (bytes < 0) {
		control->status = -errno;
		control->position = control->count;
		return;
	}
	control->out += bytes;
	control->position++;
}

static struct tenure_call new_call(void)
{
	struct tenure_call call = {
		.op = (u64)&ops[control->position],
		.answer = TENURE_ANSWERS_OFFSET + control->out,
	};
	return call;
}

static void answer(long ret, u32 data)
{
	struct tenure_call call = new_call();

	call.ret = ret;
	call.data = data;
	answered(ioctl(device, TENURE_IOC_DUMP, &call));
}

/* --- operations --------------------------------------------------------- */

/*
 * A load and a store that may fault: they give the signal then. Threads share
 * their TLS here, so there is no sigsetjmp.
 */
asm(".text\n"
    "tenure_load:	xorl %eax, %eax\n"
    "tenure_load_at:	movl (%rdi), %ecx\n"
    "tenure_load_end:	movl %ecx, (%rsi)\n"
    "			ret\n"
    "tenure_store:	xorl %eax, %eax\n"
    "tenure_store_at:	movl %esi, (%rdi)\n"
    "tenure_store_end:	ret\n");
int tenure_load(const void *from, u32 *to);
int tenure_store(void *to, u32 value);
extern const char tenure_load_at[], tenure_load_end[], tenure_store_at[], tenure_store_end[];

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)info;
	if (regs[REG_RIP] == (greg_t)tenure_load_at)
		regs[REG_RIP] = (greg_t)tenure_load_end;
	else if (regs[REG_RIP] == (greg_t)tenure_store_at)
		regs[REG_RIP] = (greg_t)tenure_store_end;
	else
		_exit(2);
	regs[REG_RAX] = signal;
}

static long touch(u32 page, int write, u32 value, u32 *data)
{
	u32 read = 0;
	int signal = write ? tenure_store(window(page), value) :
			     tenure_load(window(page), &read);

	if (signal)
		return -(TENURE_SIGNAL + signal);
	if (!write)
		*data = read;
	return 0;
}

/* A system call, with nothing of libc that threads would share: minus the errno, or what it gives. */
static long raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
	long ret;

	asm volatile("syscall" : "=a"(ret)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return ret;
}

/* An address is no error. */
static long result(long ret)
{
	return ret < 0 && ret > -4096 ? ret : 0;
}

static long window_call(long number, const u32 *a, long third)
{
	return result(raw(number, (long)window(a[0]), a[1] * PAGE, third, 0, 0, 0));
}

static long do_mmap(const u32 *a)
{
	u8 obj = a[4] & 0xff;
	int fd = device;
	off_t offset = ((off_t)obj * TENURE_OBJ_STRIDE + (a[4] >> 8)) * PAGE;

	if (obj == TENURE_OBJ_ANON) {
		fd = -1;
		offset = 0;
	} else if (obj < TENURE_OBJS && control->files & 1 << obj) {
		fd = files[obj];
		offset = (a[4] >> 8) * PAGE;
	}

	return result(raw(SYS_mmap, (long)window(a[0]), a[1] * PAGE, a[2],
			  a[3] | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset));
}

static long do_mremap(const u32 *a)
{
	return result(raw(SYS_mremap, (long)window(a[0]), a[1] * PAGE, a[2] * PAGE, a[3],
			  (long)window(a[4]), 0));
}

static long vm_copy(int write, u32 proc, u32 page, u32 *data)
{
	struct iovec local = { data, sizeof(*data) };
	struct iovec remote = { window(page), sizeof(*data) };
	ssize_t n;

	if (proc >= TENURE_PROCS || !control->pid[proc])
		return -ESRCH;
	n = raw(write ? SYS_process_vm_writev : SYS_process_vm_readv, control->pid[proc],
		(long)&local, 1, (long)&remote, 1, 0);
	return n < 0 ? n : n == sizeof(*data) ? 0 : -EIO;
}

static long proc_mem(int write, u32 proc, u32 page, u32 *data)
{
	char path[32];
	ssize_t n;
	int fd;

	if (proc >= TENURE_PROCS || !control->pid[proc])
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/mem", control->pid[proc]);
	fd = raw(SYS_open, (long)path, O_RDWR, 0, 0, 0, 0);
	if (fd < 0)
		return fd;
	n = raw(write ? SYS_pwrite64 : SYS_pread64, fd, (long)data, sizeof(*data),
		(long)window(page), 0, 0);
	raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return n < 0 ? n : n == sizeof(*data) ? 0 : -EIO;
}

/* What is done with a file, whoever does it. */
static long file_call(const struct tenure_op *op, u32 *data)
{
	const u32 *a = op->a;
	off_t at = a[1] * PAGE;
	ssize_t n;
	int fd;

	if (a[0] >= TENURE_OBJS || !(control->files & 1 << a[0]))
		return -EBADF;
	fd = files[a[0]];
	switch (op->op) {
	case TENURE_FTRUNCATE:
		return raw(SYS_ftruncate, fd, at, 0, 0, 0, 0);
	case TENURE_PUNCH_HOLE:
		return raw(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			   a[2] * PAGE, 0, 0);
	case TENURE_PREAD:
		n = raw(SYS_pread64, fd, (long)data, sizeof(*data), at, 0, 0);
		break;
	default:
		*data = a[2];
		n = raw(SYS_pwrite64, fd, (long)data, sizeof(*data), at, 0, 0);
	}
	return n < 0 ? n : n / (ssize_t)sizeof(*data);
}

/* A memfd of so many pages, none of which is there. */
static void make_file(const u32 *a)
{
	if (a[0] >= TENURE_OBJS)
		return;
	control->files |= 1 << a[0];
	if (ftruncate(files[a[0]], 0) || ftruncate(files[a[0]], a[4] * PAGE))
		control->status = -errno;
}

static int run(void);
static void race(void);

static void __attribute__((noreturn)) live(int index)
{
	u32 next = TENURE_NOBODY;

	me = index;
	if (control->racers)	/* born in the middle of one */
		race();
	for (;;) {
		post_and_wait(next);
		next = TENURE_NOBODY;
		if (control->racers)
			race();
		else
			next = run();
	}
}

/* A process that is born of the caller; the agent is its parent. */
static long birth(u32 index)
{
	unsigned long flags = SIGCHLD | (me == MASTER ? 0 : CLONE_PARENT);
	long pid;

	if (index >= TENURE_PROCS || control->pid[index])
		return -EBUSY;
	pid = raw(SYS_clone, flags, 0, 0, 0, 0, 0);
	if (!pid)
		live(index);
	if (pid < 0)
		return pid;
	control->pid[index] = pid;
	/* It need not run for that, as long as it is not its turn. */
	if (ioctl(device, TENURE_IOC_ENTER, (long)pid << 8 | index))
		control->status = -errno;
	return 0;
}

/* Which pages of its window a process has left in its core. What is not in it is a hole in the file. */
static u32 core_pages(void)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;
	u32 found = 0;
	int fd, i;

	fd = open(CORE, O_RDONLY);
	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head)) {
		control->status = -ENOENT;
		return 0;
	}
	for (i = 0; i < head.e_phnum; i++) {
		u64 addr;

		if (pread(fd, &part, sizeof(part), head.e_phoff + i * sizeof(part)) != sizeof(part))
			break;
		if (part.p_type != PT_LOAD || part.p_vaddr < TENURE_WINDOW)
			continue;
		for (addr = part.p_vaddr; addr < part.p_vaddr + part.p_filesz; addr += PAGE) {
			off_t at = part.p_offset + addr - part.p_vaddr;

			if (addr < TENURE_WINDOW + TENURE_PAGES * PAGE && lseek(fd, at, SEEK_DATA) == at)
				found |= 1 << (addr - TENURE_WINDOW) / PAGE;
		}
	}
	close(fd);
	unlink(CORE);
	return found;
}

static void bury(int index)
{
	if (waitpid(control->pid[index], NULL, __WALL) < 0)
		control->status = -errno;
	control->pid[index] = 0;
}

/*
 * The first process stays, or every sequence would begin with a death and a
 * birth: it unmaps its window, the others are gone, and the module forgets
 * everything, also that the process has ever pinned.
 */
static void do_reset(const struct tenure_op *op)
{
	int i;

	for (i = control->clean ? 1 : 0; i < TENURE_PROCS; i++)
		if (control->pid[i])
			kill(control->pid[i], SIGKILL);
	for (i = control->clean ? 1 : 0; i < TENURE_PROCS; i++)
		if (control->pid[i])
			bury(i);
	for (i = 0; i < TENURE_OBJS; i++)
		if (control->files & 1 << i && ftruncate(files[i], 0))
			control->status = -errno;
	control->files = 0;
	ioctl(device, TENURE_IOC_RESET, op->a[0]);
	if (!control->clean && birth(0))
		control->status = -EIO;
	control->clean = 0;
	answer(0, 0);
}

/* What a process does by itself. False: it is the module's. */
static int system_call(const struct tenure_op *op, long *ret, u32 *data)
{
	const u32 *a = op->a;

	switch (op->op) {
	case TENURE_LOAD:
		*ret = touch(a[0], 0, 0, data);
		break;
	case TENURE_STORE:
		*ret = touch(a[0], 1, a[1], data);
		break;
	case TENURE_MMAP:
		*ret = do_mmap(a);
		break;
	case TENURE_MUNMAP:
		*ret = window_call(SYS_munmap, a, 0);
		break;
	case TENURE_MPROTECT:
		*ret = window_call(SYS_mprotect, a, a[2]);
		break;
	case TENURE_MADVISE:
		*ret = window_call(SYS_madvise, a, a[2]);
		break;
	case TENURE_MREMAP:
		*ret = do_mremap(a);
		break;
	case TENURE_MLOCK:
		*ret = window_call(SYS_mlock, a, 0);
		break;
	case TENURE_MUNLOCK:
		*ret = window_call(SYS_munlock, a, 0);
		break;
	case TENURE_FORK:
		*ret = birth(a[0]);
		break;
	case TENURE_VM_READ:
		*ret = vm_copy(0, a[0], a[1], data);
		break;
	case TENURE_VM_WRITE:
		*data = a[2];
		*ret = vm_copy(1, a[0], a[1], data);
		break;
	case TENURE_PEEK:
		*ret = proc_mem(0, a[0], a[1], data);
		break;
	case TENURE_POKE:
		*data = a[2];
		*ret = proc_mem(1, a[0], a[1], data);
		break;
	case TENURE_FTRUNCATE:
	case TENURE_PUNCH_HOLE:
	case TENURE_PREAD:
	case TENURE_PWRITE:
		*ret = file_call(op, data);
		break;
	default:
		return 0;
	}
	return 1;
}

static void perform(const struct tenure_op *op)
{
	struct tenure_call call;
	u32 data = 0;
	long ret;

	if (op->op == TENURE_EXIT || op->op == TENURE_CORE) {
		control->dying = me + 1;
		control->core = op->op == TENURE_CORE;
		post(MASTER);
		if (op->op == TENURE_CORE)
			raw(SYS_kill, control->pid[me], SIGABRT, 0, 0, 0, 0);
		_exit(0);
	}
	if (op->op == TENURE_OBJ && op->a[2] == TENURE_INSERT_FILE)
		make_file(op->a);
	if (system_call(op, &ret, &data)) {
		answer(ret, data);
	} else if (op->op == TENURE_RACE_REG) {
		answer(0, op->a[0] < TENURE_RACE_THREADS && op->a[1] < TENURE_RACE_REGS ?
		       control->racer[op->a[0]].reg[op->a[1]] : 0);
	} else if (op->op == TENURE_RACE_VAR) {
		answer(0, op->a[0] < TENURE_RACE_VARS ? control->var[op->a[0]] : 0);
	} else {
		call = new_call();
		answered(ioctl(device, TENURE_IOC_DO, &call));
	}
}

/* --- races -------------------------------------------------------------- */

#define STACK		65536
static u8 stacks[TENURE_RACE_THREADS][STACK] __attribute__((aligned(64)));
static pid_t helpers[TENURE_RACE_THREADS];

static s64 compute(u32 alu, s64 x, s64 y)
{
	switch (alu) {
	case TENURE_ALU_EQ: return x == y;
	case TENURE_ALU_NE: return x != y;
	case TENURE_ALU_LT: return x < y;
	case TENURE_ALU_LE: return x <= y;
	case TENURE_ALU_GT: return x > y;
	case TENURE_ALU_GE: return x >= y;
	case TENURE_ALU_LAND: return x && y;
	case TENURE_ALU_LOR: return x || y;
	case TENURE_ALU_ADD: return x + y;
	case TENURE_ALU_SUB: return x - y;
	case TENURE_ALU_OR: return x | y;
	case TENURE_ALU_AND: return x & y;
	}
	return 0;
}

static s64 signal_or(long ret)
{
	return ret == -(TENURE_SIGNAL + SIGBUS) ? control->sigbus :
	       ret == -(TENURE_SIGNAL + SIGSEGV) ? control->sigsegv : ret;
}

/* Now and then a while of nothing, of any length: each race goes another way. */
static void dawdle(u32 *seed, u32 most)
{
	volatile u32 n;

	*seed = *seed * 1664525 + 1013904223;
	n = 1u << ((*seed >> 16) % most);
	*seed = *seed * 1664525 + 1013904223;
	n = (*seed >> 8) % n;
	while (n)
		n--;
}

/* What an operation of a race leaves in registers. */
static void settle(struct racer *r, const struct tenure_op *op, const s64 *v, long ret, u32 data, u32 data2)
{
	s64 value = ret;
	u32 i;

	switch (op->op) {
	case TENURE_LOAD:
		value = ret ? signal_or(ret) : (s32)data;
		break;
	case TENURE_STORE:
		value = signal_or(ret);
		break;
	case TENURE_MMAP:
		value = ret ?: v[0];
		break;
	case TENURE_MREMAP:
		value = ret ?: v[3] & MREMAP_FIXED ? v[4] : v[0];
		break;
	case TENURE_VM_READ:
	case TENURE_PEEK:
	case TENURE_HANDLE_READ:
	case TENURE_PFN_READ:
	case TENURE_LOOKUP:
		value = ret ?: (s32)data;
		break;
	case TENURE_PIN:
	case TENURE_PIN_FAST:
	case TENURE_GET:
	case TENURE_GET_FAST:
		/* The last argument: the register that knows whether there is a page. */
		if (ret == 1 && op->a[4])
			r->reg[(op->a[4] - 1) % TENURE_RACE_REGS] = 1;
		break;
	case TENURE_FOLLOW_PFN:
	case TENURE_FOLLOW_PTE:
	case TENURE_FOLLOW_PHYS:
	case TENURE_FOLLOW_PFNMAP:
		/* Registers for the PFN, and whether it is writable and special. */
		for (i = 0; !ret && i < 3; i++)
			if (op->a[2 + i])
				r->reg[(op->a[2 + i] - 1) % TENURE_RACE_REGS] =
					i ? data2 >> (i - 1) & 1 : data;
		break;
	case TENURE_PREAD:
		if (ret == 1 && op->a[2])
			r->reg[(op->a[2] - 1) % TENURE_RACE_REGS] = (s32)data;
		break;
	case TENURE_FIXUP_FAULT:
		if (op->a[2])
			r->reg[(op->a[2] - 1) % TENURE_RACE_REGS] = data;
		break;
	}
	if (op->proc < TENURE_RACE_REGS)
		r->reg[op->proc] = value;
}

/*
 * Runs one program. One that waits for another waits long, for that may have to
 * be born yet, on a busy machine; if it has waited in vain the race is void.
 */
static void run_racer(struct racer *r, u32 seed)
{
	u32 pc = 0, steps, held = 0, i;

	for (steps = 0; pc < r->count; steps++) {
		const struct tenure_op *op = &ops[r->first + pc];
		struct tenure_call call = {};
		struct tenure_op now = *op;
		u32 data = 0, data2 = 0;
		long ret = 0;
		s64 v[5];

		for (i = 0; i < 5; i++) {
			v[i] = op->pad & (1 << i) ? r->reg[op->a[i] % TENURE_RACE_REGS] : (s32)op->a[i];
			now.a[i] = v[i];
		}
		pc++;
		if (steps % 256 == 255)
			raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
		if (steps > 3000000) {
			control->status = -ETIMEDOUT;
			return;
		}
		switch (op->op) {
		case TENURE_JUMP:
			pc = v[0];
			continue;
		case TENURE_BRANCH:
			pc = v[0] ? v[1] : v[2];
			continue;
		case TENURE_STOP:
			return;
		case TENURE_SET:
			r->reg[op->proc % TENURE_RACE_REGS] = compute(v[0], v[1], v[2]);
			continue;
		}
		dawdle(&seed, 12);
		switch (op->op) {
		case TENURE_VAR_GET:
			r->reg[op->proc % TENURE_RACE_REGS] =
				__atomic_load_n(&control->var[v[0] % TENURE_RACE_VARS], __ATOMIC_SEQ_CST);
			continue;
		case TENURE_VAR_SET:
			__atomic_store_n(&control->var[v[0] % TENURE_RACE_VARS], v[1], __ATOMIC_SEQ_CST);
			continue;
		case TENURE_MUTEX_LOCK:
			while (__atomic_exchange_n(&control->mutex[v[0] % TENURE_RACE_MUTEXES], 1,
						   __ATOMIC_ACQUIRE))
				raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
			continue;
		case TENURE_MUTEX_UNLOCK:
			__atomic_store_n(&control->mutex[v[0] % TENURE_RACE_MUTEXES], 0, __ATOMIC_RELEASE);
			continue;
		}
		if (!system_call(&now, &ret, &data)) {
			now.pad = TENURE_ONCE | (held ? TENURE_HELD : 0);
			call.op = (u64)&now;
			ret = raw(SYS_ioctl, device, TENURE_IOC_QUIET, (long)&call, 0, 0, 0);
			if (!ret) {
				ret = call.ret;
				data = call.data;
				data2 = call.data2;
			}
		}
		if (op->op == TENURE_LOCK_READ)
			held = 1;
		if (op->op == TENURE_UNLOCK_READ)
			held = 0;
		/* A child that is not born runs no programs. */
		if (op->op == TENURE_FORK && ret)
			for (i = 0; i < control->racers; i++)
				if (control->racer[i].proc == v[0])
					__atomic_add_fetch(&control->finished, 1, __ATOMIC_SEQ_CST);
		settle(r, op, v, ret, data, data2);
	}
}

/*
 * The mmap_lock may be held between two instructions: nothing of ours may fault
 * then. Our text is read, our data and stack are locked, which faults them in.
 */
static void fault_in(void)
{
	extern const u8 __executable_start[], __data_start[], _end[];
	u64 here = (u64)&here & ~(PAGE - 1);
	u64 at, data = (u64)__data_start & ~(PAGE - 1);
	u32 ignored;

	for (at = (u64)__executable_start; at < data; at += PAGE)
		tenure_load((void *)at, &ignored);
	raw(SYS_mlock, data, (u64)_end - data, 0, 0, 0, 0);
	raw(SYS_mlock, here - 4 * PAGE, 6 * PAGE, 0, 0, 0, 0);
	for (at = (u64)ops; at < (u64)&ops[control->position + 200]; at += PAGE)
		tenure_load((void *)at, &ignored);
	tenure_load(control, &ignored);
	tenure_load((u8 *)control + sizeof(*control) - 4, &ignored);
}

static int race_one(void *arg)
{
	struct racer *r = arg;
	u32 index = r - control->racer;
	u32 seed = control->seed + index * 2654435761u;
	u64 cpu = 1 << (index & 1);

	raw(SYS_sched_setaffinity, 0, sizeof(cpu), (long)&cpu, 0, 0, 0);
	if (control->locking)
		fault_in();
	/* Those that are there start together. A child that is born meanwhile goes on at once: they are all ready. */
	__atomic_add_fetch(&control->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&control->ready, __ATOMIC_ACQUIRE) < control->starters)
		raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	dawdle(&seed, 18);
	run_racer(r, seed);
	__atomic_add_fetch(&control->finished, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* The programs of this process: the first by itself, others by threads. */
static void race(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
	struct racer *first = NULL;
	u64 cpu = 1;
	u32 i;

	for (i = 0; i < control->racers; i++) {
		struct racer *r = &control->racer[i];

		helpers[i] = 0;
		if (r->proc != (u32)me)
			continue;
		if (!first) {
			first = r;
			continue;
		}
		helpers[i] = 1;
		if (clone(race_one, stacks[i] + STACK - 64, flags, r, NULL, NULL, &helpers[i]) < 0)
			_exit(3);
	}
	if (first)
		race_one(first);
	for (i = 0; i < control->racers; i++)
		while (__atomic_load_n(&helpers[i], __ATOMIC_ACQUIRE))
			raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw(SYS_sched_setaffinity, 0, sizeof(cpu), (long)&cpu, 0, 0, 0);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static void do_race(const struct tenure_op *op)
{
	u32 at = control->position + 1, wake = 0, n = op->a[0], i;
	u64 cpu = 1;
	double end;

	if (n > TENURE_RACE_THREADS) {
		control->status = -E2BIG;
		control->position = control->count;
		return;
	}
	control->ready = control->finished = control->starters = control->locking = 0;
	control->seed = op->a[1];
	control->sigbus = op->a[2];
	control->sigsegv = op->a[3];
	memset(control->var, 0, sizeof(control->var));
	memset(control->mutex, 0, sizeof(control->mutex));
	for (i = 0; i < n; i++) {
		struct racer *r = &control->racer[i];

		memset(r, 0, sizeof(*r));
		r->proc = ops[at].proc == 255 ? MASTER : ops[at].proc;
		r->count = ops[at].a[0];
		r->first = at + 1;
		for (at++; at < r->first + r->count; at++)
			control->locking |= ops[at].op == TENURE_LOCK_READ;
		if (r->proc != MASTER && !control->pid[r->proc])
			continue;	/* it will be born */
		control->starters++;
		if (r->proc != MASTER)
			wake |= 1 << r->proc;
	}
	__atomic_store_n(&control->racers, n, __ATOMIC_SEQ_CST);
	for (i = 0; i < TENURE_PROCS; i++)
		if (wake & (1 << i))
			post(i);
	race();
	for (end = seconds() + 60; __atomic_load_n(&control->finished, __ATOMIC_ACQUIRE) < n;) {
		raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
		if (seconds() < end)
			continue;
		control->status = -ETIMEDOUT;
		control->position = control->count;
		return;
	}
	control->racers = 0;
	raw(SYS_sched_setaffinity, 0, sizeof(cpu), (long)&cpu, 0, 0, 0);
	if (op->a[4])
		ioctl(device, TENURE_IOC_DRAIN, 0);
	answer(0, 0);
	control->position = at;
}

/* Whose the next operation is: MASTER for what no process can do. */
static int owner(const struct tenure_op *op)
{
	if (op->op == TENURE_RESET && control->pid[0] && !control->clean)
		return 0;
	if (op->op == TENURE_RESET || op->op == TENURE_RACE)
		return MASTER;
	if (op->proc == 255)
		return me;
	if (op->proc >= TENURE_PROCS || !control->pid[op->proc])
		return MASTER;
	return op->proc;
}

/* Operations, as long as they are ours; then whose turn it is. The agent passes it on itself, and comes back. */
static int run(void)
{
	for (;;) {
		const struct tenure_op *op = &ops[control->position];
		int next = control->position >= control->count ? MASTER : owner(op);

		if (next == me && me == MASTER) {
			if (control->position >= control->count)
				return MASTER;
			if (op->op == TENURE_RESET)
				do_reset(op);
			else if (op->op == TENURE_RACE)
				do_race(op);
			else if (op->proc == 255)
				perform(op);
			else
				answer(TENURE_ABSENT, 0);
		} else if (next == me && op->op == TENURE_RESET) {
			raw(SYS_munmap, (long)window(0), TENURE_PAGES * PAGE, 0, 0, 0, 0);
			control->clean = 1;
		} else if (next == me) {
			perform(op);
		} else {
			if (me != MASTER)
				return next;
			post_and_wait(next);
			if (control->dying) {
				int index = control->dying - 1;

				control->dying = 0;
				bury(index);
				answer(0, control->core ? core_pages() : 0);
			}
		}
	}
}

/* --- the machine -------------------------------------------------------- */

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "tenure-agent: %s: %s\n", path, strerror(errno));
	close(fd);
}

static unsigned long get_number(const char *path, int base)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return strtoul(text, NULL, base);
}

/* Maps the memory that we share with the host; gives its physical address. */
static u64 find_shared_memory(void)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *e;
	char path[512];

	while (dir && (e = readdir(dir))) {
		unsigned long long bar[3][3];
		FILE *f;
		int fd, i;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", e->d_name);
		if (get_number(path, 16) != 0x1af4)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", e->d_name);
		if (get_number(path, 16) != 0x1110)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable", e->d_name);
		put_file(path, "1");
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", e->d_name);
		f = fopen(path, "r");
		if (!f)
			die(path);
		for (i = 0; i < 3; i++)
			if (fscanf(f, "%llx %llx %llx", &bar[i][0], &bar[i][1], &bar[i][2]) != 3)
				die(path);
		fclose(f);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2", e->d_name);
		fd = open(path, O_RDWR);
		if (fd < 0)
			die(path);
		shm = mmap(NULL, TENURE_SHM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (shm == MAP_FAILED)
			die("mmap of the shared memory");
		close(fd);
		if (madvise(shm, TENURE_SHM_SIZE, MADV_DONTFORK))
			die("MADV_DONTFORK");
		return bar[2][0];
	}
	errno = ENODEV;
	die("no ivshmem device");
	return 0;
}

static void setup(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_NODEFER | SA_SIGINFO,
	};
	struct termios mode;
	cpu_set_t cpu;
	u64 phys;
	int fd, i;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	/* Where a core has holes. */
	mkdir("/tmp", 0700);
	mount("tmp", "/tmp", "tmpfs", 0, NULL);
	put_file("/proc/sys/kernel/printk", "5");
	put_file("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	put_file("/sys/kernel/mm/lru_gen/enabled", "0");
	put_file("/proc/sys/vm/overcommit_memory", "1");
	put_file("/proc/sys/kernel/print-fatal-signals", "0");
	put_file("/proc/sys/kernel/core_pattern", CORE);
	put_file("/proc/sys/kernel/core_uses_pid", "0");
	put_file("/proc/self/coredump_filter", "0x1ff");
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }))
		die("RLIMIT_CORE");

	fd = open("/tenure.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("the module");
	close(fd);
	device = open("/dev/tenure", O_RDWR);
	if (device < 0)
		die("/dev/tenure");
	for (i = 0; i < TENURE_OBJS; i++) {
		files[i] = memfd_create("tenure", 0);
		if (files[i] < 0 || ioctl(device, TENURE_IOC_FILE, (long)i << 16 | files[i]))
			die("a memfd");
	}

	phys = find_shared_memory();
	header = (struct tenure_header *)shm;
	module_version = ioctl(device, TENURE_IOC_SETUP, &phys);
	if ((int)module_version < 0)
		die("setup of the module");

	control = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ops = mmap(NULL, TENURE_OPS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (control == MAP_FAILED || ops == MAP_FAILED)
		die("mmap");
	/* Nothing that a core would be read for. */
	if (madvise(ops, TENURE_OPS_SIZE, MADV_DONTDUMP))
		die("MADV_DONTDUMP");

	line = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	if (line < 0 || tcgetattr(line, &mode))
		die("/dev/ttyS1");
	cfmakeraw(&mode);
	tcsetattr(line, TCSANOW, &mode);

	/* What the processes do is on one CPU: its pagevecs are drained by the module. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	/* Who is woken waits until who woke it sleeps. */
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){});
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

int main(void)
{
	char byte = 'R';

	setup();
	header->magic = TENURE_MAGIC;
	header->version = TENURE_VERSION;
	header->kernel = module_version;
	for (;;) {
		if (write(line, &byte, 1) != 1 || read(line, &byte, 1) != 1)
			die("the line to the host");
		if (byte == 'Q')
			break;
		control->count = header->ops;
		if (control->count > TENURE_OPS_SIZE / sizeof(*ops))
			control->count = 0;
		memcpy(ops, shm + TENURE_OPS_OFFSET, control->count * sizeof(*ops));
		control->position = 0;
		control->out = 0;
		control->status = 0;
		run();
		header->answers = control->position;
		header->answer_bytes = control->out;
		header->status = control->status;
		header->taint = get_number("/proc/sys/kernel/tainted", 10);
		byte = 'D';
	}
	reboot(RB_POWER_OFF);
	return 0;
}
