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
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include "protocol.h"

#define MASTER		TENURE_PROCS
#define PAGE		4096UL

struct control {
	u32 go[TENURE_PROCS + 1];
	u32 born;
	u32 count;
	u32 position;
	u32 out;
	u32 dying;		/* process + 1 */
	s32 status;
	pid_t pid[TENURE_PROCS];
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
static int line;
static int me = MASTER;
static u32 module_version;

static sigjmp_buf fault_context;

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

static void wait_for(u32 *word)
{
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

static void post(u32 *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
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

static void on_fault(int signal)
{
	siglongjmp(fault_context, signal);
}

static long touch(u32 page, int write, u32 value, u32 *data)
{
	int signal = sigsetjmp(fault_context, 0);

	if (signal)
		return -(TENURE_SIGNAL + signal);
	if (write)
		*(volatile u32 *)window(page) = value;
	else
		*data = *(volatile u32 *)window(page);
	return 0;
}

static long result(long ret)
{
	return ret < 0 ? -errno : 0;
}

static long do_mmap(const u32 *a)
{
	u8 obj = a[4] & 0xff;
	int fd = obj == TENURE_OBJ_ANON ? -1 : device;
	off_t offset = obj == TENURE_OBJ_ANON ? 0 :
		((off_t)obj * TENURE_OBJ_STRIDE + (a[4] >> 8)) * PAGE;
	void *p = mmap(window(a[0]), a[1] * PAGE, a[2],
		       a[3] | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset);

	return p == MAP_FAILED ? -errno : 0;
}

static long do_mremap(const u32 *a)
{
	void *p = mremap(window(a[0]), a[1] * PAGE, a[2] * PAGE, a[3], window(a[4]));

	return p == MAP_FAILED ? -errno : 0;
}

static long vm_copy(int write, u32 proc, u32 page, u32 *data)
{
	struct iovec local = { data, sizeof(*data) };
	struct iovec remote = { window(page), sizeof(*data) };
	ssize_t n;

	if (proc >= TENURE_PROCS || !control->pid[proc])
		return -ESRCH;
	n = write ? process_vm_writev(control->pid[proc], &local, 1, &remote, 1, 0) :
		    process_vm_readv(control->pid[proc], &local, 1, &remote, 1, 0);
	return n < 0 ? -errno : n == sizeof(*data) ? 0 : -EIO;
}

static long proc_mem(int write, u32 proc, u32 page, u32 *data)
{
	char path[32];
	ssize_t n;
	int fd;

	if (proc >= TENURE_PROCS || !control->pid[proc])
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/mem", control->pid[proc]);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return -errno;
	n = write ? pwrite(fd, data, sizeof(*data), (off_t)window(page)) :
		    pread(fd, data, sizeof(*data), (off_t)window(page));
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : n == sizeof(*data) ? 0 : -EIO;
}

static void run(void);

static void __attribute__((noreturn)) live(int index)
{
	me = index;
	if (ioctl(device, TENURE_IOC_ENTER, index))
		_exit(1);
	post(&control->born);
	for (;;) {
		wait_for(&control->go[me]);
		run();
	}
}

/* A process that is born of the caller; the agent is its parent. */
static long birth(u32 index)
{
	unsigned long flags = SIGCHLD | (me == MASTER ? 0 : CLONE_PARENT);
	long pid;

	if (index >= TENURE_PROCS || control->pid[index])
		return -EBUSY;
	pid = syscall(SYS_clone, flags, 0, NULL, NULL, 0);
	if (!pid)
		live(index);
	if (pid < 0)
		return -errno;
	control->pid[index] = pid;
	wait_for(&control->born);
	return 0;
}

static void bury(int index)
{
	if (waitpid(control->pid[index], NULL, __WALL) < 0)
		control->status = -errno;
	control->pid[index] = 0;
}

static void do_reset(const struct tenure_op *op)
{
	int i;

	for (i = 0; i < TENURE_PROCS; i++) {
		if (!control->pid[i])
			continue;
		kill(control->pid[i], SIGKILL);
		bury(i);
	}
	ioctl(device, TENURE_IOC_RESET, op->a[0]);
	answer(birth(0), 0);
}

static void perform(const struct tenure_op *op)
{
	const u32 *a = op->a;
	struct tenure_call call;
	u32 data = 0;
	long ret;

	switch (op->op) {
	case TENURE_LOAD:
		ret = touch(a[0], 0, 0, &data);
		break;
	case TENURE_STORE:
		ret = touch(a[0], 1, a[1], &data);
		break;
	case TENURE_MMAP:
		ret = do_mmap(a);
		break;
	case TENURE_MUNMAP:
		ret = result(munmap(window(a[0]), a[1] * PAGE));
		break;
	case TENURE_MPROTECT:
		ret = result(mprotect(window(a[0]), a[1] * PAGE, a[2]));
		break;
	case TENURE_MADVISE:
		ret = result(madvise(window(a[0]), a[1] * PAGE, a[2]));
		break;
	case TENURE_MREMAP:
		ret = do_mremap(a);
		break;
	case TENURE_MLOCK:
		ret = result(mlock(window(a[0]), a[1] * PAGE));
		break;
	case TENURE_MUNLOCK:
		ret = result(munlock(window(a[0]), a[1] * PAGE));
		break;
	case TENURE_FORK:
		ret = birth(a[0]);
		break;
	case TENURE_EXIT:
		control->dying = me + 1;
		post(&control->go[MASTER]);
		_exit(0);
	case TENURE_VM_READ:
		ret = vm_copy(0, a[0], a[1], &data);
		break;
	case TENURE_VM_WRITE:
		data = a[2];
		ret = vm_copy(1, a[0], a[1], &data);
		break;
	case TENURE_PEEK:
		ret = proc_mem(0, a[0], a[1], &data);
		break;
	case TENURE_POKE:
		data = a[2];
		ret = proc_mem(1, a[0], a[1], &data);
		break;
	default:
		call = new_call();
		answered(ioctl(device, TENURE_IOC_DO, &call));
		return;
	}
	answer(ret, data);
}

/* Whose the next operation is: MASTER for what no process can do. */
static int owner(const struct tenure_op *op)
{
	if (op->op == TENURE_RESET)
		return MASTER;
	if (op->proc == 255)
		return me;
	if (op->proc >= TENURE_PROCS || !control->pid[op->proc])
		return MASTER;
	return op->proc;
}

/* Operations, as long as they are ours; then the turn is passed on. */
static void run(void)
{
	for (;;) {
		const struct tenure_op *op = &ops[control->position];
		int next = control->position >= control->count ? MASTER : owner(op);

		if (next == me && me == MASTER) {
			if (control->position >= control->count)
				return;
			if (op->op == TENURE_RESET)
				do_reset(op);
			else if (op->proc == 255)
				perform(op);
			else
				answer(TENURE_ABSENT, 0);
		} else if (next == me) {
			perform(op);
		} else {
			post(&control->go[next]);
			if (me != MASTER)
				return;
			wait_for(&control->go[MASTER]);
			if (control->dying) {
				int index = control->dying - 1;

				control->dying = 0;
				bury(index);
				answer(0, 0);
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
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct termios mode;
	cpu_set_t cpu;
	u64 phys;
	int fd;

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	put_file("/proc/sys/kernel/printk", "5");
	put_file("/sys/kernel/mm/transparent_hugepage/enabled", "never");
	put_file("/sys/kernel/debug/fault_around_bytes", "4096");
	put_file("/sys/kernel/mm/lru_gen/enabled", "0");
	put_file("/proc/sys/vm/overcommit_memory", "1");
	put_file("/proc/sys/kernel/print-fatal-signals", "0");

	fd = open("/tenure.ko", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("the module");
	close(fd);
	device = open("/dev/tenure", O_RDWR);
	if (device < 0)
		die("/dev/tenure");

	phys = find_shared_memory();
	header = (struct tenure_header *)shm;
	module_version = ioctl(device, TENURE_IOC_SETUP, &phys);
	if ((int)module_version < 0)
		die("setup of the module");

	control = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ops = mmap(NULL, TENURE_OPS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (control == MAP_FAILED || ops == MAP_FAILED)
		die("mmap");

	line = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	if (line < 0 || tcgetattr(line, &mode))
		die("/dev/ttyS1");
	cfmakeraw(&mode);
	tcsetattr(line, TCSANOW, &mode);

	/* What the processes do is on one CPU: its pagevecs are drained by the module. */
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
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
