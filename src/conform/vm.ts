import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from './cache.ts'
import { charDevice, cpio, directory, executable } from './cpio.ts'
import { attempt, which } from './process.ts'
import { answersOffset, magic, opsOffset, opSize, opsSize, shmSize, version } from './protocol.ts'

/** The guest did not do what it should: what was seen of it, with the end of its console. */
export class VmError extends Error {
  override name = 'VmError'
  /** It did not boot or answer in time: it hangs, or this machine has too much to do. */
  readonly late: boolean

  constructor(message: string, late = false) {
    super(message)
    this.late = late
  }
}

/** A race that did not end. */
const ETIMEDOUT = 110

export const qemu = 'qemu-system-x86_64'

export const qemuMissing = (): string | undefined =>
  which(qemu) === undefined ? `there is no ${qemu} here (Debian's package qemu-system-x86 has it)` : undefined

/**
 * Whether this machine runs guests itself. /dev/kvm may be there and not work, so it is tried: a boot sector of two instructions
 * (`mov al, 0x10; out 0xf4, al`) makes the debug exit device end the machine with status 0x21. That is given a moment.
 */
export async function accelerator(signal?: AbortSignal): Promise<'kvm' | 'tcg,thread=multi'> {
  const dir = await mkdtemp(join(tmpdir(), 'tenure-kvm-'))
  try {
    const sector = new Uint8Array(512)
    sector.set([0xb0, 0x10, 0xe6, 0xf4, 0xf4])
    sector.set([0x55, 0xaa], 510)
    writeFileSync(join(dir, 'sector'), sector)
    const machine = [
      '-accel',
      'kvm',
      '-cpu',
      'host',
      '-smp',
      '2',
      '-m',
      '64',
      '-display',
      'none',
      '-nodefaults',
    ]
    const disk = ['-drive', `file=${join(dir, 'sector')},format=raw,if=floppy`, '-boot', 'a']
    const exit = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
    const limits = { seconds: 5, ...(signal === undefined ? {} : { signal }) }
    return (await attempt(qemu, [...machine, ...disk, ...exit], limits)).status === 0x21
      ? 'kvm'
      : 'tcg,thread=multi'
  } catch {
    return 'tcg,thread=multi'
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export type VmOptions = {
  readonly accel: string
  /** One is faster to emulate; races want two. */
  readonly cpus?: 1 | 2
  /** Half of the memory is ZONE_MOVABLE: what processes have comes from there. */
  readonly movable?: boolean
  readonly signal?: AbortSignal
  readonly bootSeconds?: number
  readonly batchSeconds?: number
}

/** A booted kernel with the agent as its init. One batch at a time. */
export class Vm {
  readonly image: Image
  readonly bootSeconds: number
  readonly #child: ChildProcess
  readonly #shm: number
  readonly #dir: string
  readonly #batchSeconds: number
  #received = ''
  #warnings = 0
  #wake: (() => void) | undefined
  #ended: string | undefined
  readonly #stop: () => void
  readonly #leave: () => void
  readonly #signal: AbortSignal | undefined

  private constructor(image: Image, child: ChildProcess, shm: number, dir: string, options: VmOptions) {
    this.image = image
    this.#child = child
    this.#shm = shm
    this.#dir = dir
    this.#batchSeconds = options.batchSeconds ?? 120
    this.bootSeconds = 0
    this.#stop = () => void child.kill('SIGKILL')
    // However we end, nothing is left behind.
    this.#leave = () => {
      this.#stop()
      rmSync(dir, { recursive: true, force: true })
    }
    process.on('exit', this.#leave)
    this.#signal = options.signal
    this.#signal?.addEventListener('abort', this.#stop)
    child.stdout!.setEncoding('latin1').on('data', (s: string) => {
      this.#received += s
      this.#wake?.()
    })
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (s: string) => (said = (said + s).slice(-2000)))
    child.on('error', (e) => {
      this.#ended = e.message
      this.#wake?.()
    })
    child.on('close', (status, sig) => {
      this.#ended ??= `qemu ended (${sig ?? `status ${status}`}) ${said.trim()}`
      this.#wake?.()
    })
  }

  static async boot(image: Image, options: VmOptions): Promise<Vm> {
    if (which(qemu) === undefined) throw new VmError(`there is no ${qemu}`)
    const dir = await mkdtemp(join(tmpdir(), 'tenure-vm-'))
    const initrd = join(dir, 'initrd')
    writeFileSync(
      initrd,
      cpio([
        directory('dev'),
        directory('proc'),
        directory('sys'),
        charDevice('dev/console', 5, 1),
        executable('init', readFileSync(image.agent)),
        executable('tenure.ko', readFileSync(image.module)),
      ]),
    )
    const shmPath = join(dir, 'shm')
    const shm = openSync(shmPath, 'w+')
    ftruncateSync(shm, shmSize)
    const started = process.hrtime.bigint()
    const commandLine = [
      'console=ttyS0 quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on tsc=reliable no_timer_check',
      'transparent_hugepage=never audit=0 nowatchdog rcupdate.rcu_expedited=1 init_on_alloc=0',
      ...(options.movable === true ? ['movablecore=256M'] : []),
    ].join(' ')
    // The plainest processor: its kernels clear and copy pages with loops, which emulation does faster than string instructions.
    const machine = ['-accel', options.accel, '-cpu', options.accel === 'kvm' ? 'host' : 'qemu64']
    const board = [
      '-smp',
      `${options.cpus ?? 1}`,
      '-m',
      '512',
      '-display',
      'none',
      '-no-reboot',
      '-nodefaults',
    ]
    const boot = ['-kernel', image.vmlinuz, '-initrd', initrd, '-append', commandLine]
    // The first line is the console, the second says when there is something to do.
    const console = ['-serial', `file:${join(dir, 'console')}`]
    const line = ['-chardev', 'stdio,id=line,signal=off', '-serial', 'chardev:line']
    const backend = `memory-backend-file,id=shm,share=on,mem-path=${shmPath},size=${shmSize}`
    const shared = ['-object', backend, '-device', 'ivshmem-plain,memdev=shm']
    const child = spawn(qemu, [machine, board, boot, console, line, shared].flat(), {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => {})
    const vm = new Vm(image, child, shm, dir, options)
    try {
      await vm.#byte('R', options.bootSeconds ?? 90, 'boot')
      const header = new DataView(vm.#read(0, 32).buffer)
      if (header.getUint32(0, true) !== magic || header.getUint32(4, true) !== version)
        throw new VmError('the guest speaks another protocol')
    } catch (e) {
      await vm.close()
      // Nothing of ours has run yet: it is tried again.
      throw e instanceof VmError ? new VmError(e.message, true) : e
    }
    ;(vm as { bootSeconds: number }).bootSeconds = Number(process.hrtime.bigint() - started) / 1e9
    return vm
  }

  /** Sends encoded operations, gives the encoded answers and the kernel's taint flags. */
  async batch(ops: Uint8Array): Promise<{ answers: Uint8Array; taint: number }> {
    const count = ops.length / opSize
    if (ops.length > opsSize) throw new VmError(`a batch of ${count} operations is too long`)
    writeSync(this.#shm, ops, 0, ops.length, opsOffset)
    const head = new Uint8Array(24)
    const view = new DataView(head.buffer)
    view.setUint32(0, count, true)
    writeSync(this.#shm, head, 0, 4, 8)
    this.#child.stdin!.write('B')
    await this.#byte('D', this.#batchSeconds, `a batch of ${count} operations`)
    const header = new DataView(this.#read(0, 32).buffer)
    const status = header.getInt32(24, true)
    if (status !== 0) throw new VmError(`the agent failed with errno ${-status}`, -status === ETIMEDOUT)
    const answered = header.getUint32(12, true)
    if (answered !== count) throw new VmError(`the guest answered ${answered} of ${count} operations`)
    return {
      answers: this.#read(answersOffset, header.getUint32(16, true)),
      taint: header.getUint32(28, true),
    }
  }

  /** The end of the guest's console. */
  console(lines = 40): string {
    try {
      return readFileSync(join(this.#dir, 'console'), 'latin1').trimEnd().split('\n').slice(-lines).join('\n')
    } catch {
      return ''
    }
  }

  /** Warnings on the console that were not there the last time: where in the kernel they come from. */
  warnings(): string[] {
    const all = this.console(100_000)
      .split('\n')
      .filter((line) => /WARNING: |BUG: |BUG at /.test(line))
    const fresh = all.slice(this.#warnings)
    this.#warnings = all.length
    return fresh
  }

  async close(): Promise<void> {
    process.off('exit', this.#leave)
    this.#signal?.removeEventListener('abort', this.#stop)
    if (this.#ended === undefined) {
      this.#child.kill('SIGKILL')
      await new Promise<void>((done) => {
        this.#wake = done
        setTimeout(done, 2000).unref()
      })
    }
    closeSync(this.#shm)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    let got = 0
    while (got < length) {
      const n = readSync(this.#shm, bytes, got, length - got, offset + got)
      if (n === 0) throw new VmError('the shared memory is too short')
      got += n
    }
    return bytes
  }

  async #byte(want: string, seconds: number, what: string): Promise<void> {
    const deadline = Date.now() + seconds * 1000
    for (;;) {
      const at = this.#received.indexOf(want)
      if (at >= 0) {
        this.#received = this.#received.slice(at + 1)
        return
      }
      const fail = (why: string, late = false) =>
        new VmError(`${what}: ${why}\nconsole:\n${this.console()}`, late)
      if (this.#ended !== undefined) throw fail(this.#ended)
      const left = deadline - Date.now()
      if (left <= 0) throw fail(`no answer after ${seconds} s`, true)
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((done) => {
        this.#wake = done
        timer = setTimeout(done, left)
      })
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}
