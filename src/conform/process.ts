import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string }

/** A command that failed: what ran, and the end of what it said. */
export class CommandError extends Error {
  override name = 'CommandError'
}

export type RunOptions = {
  readonly seconds: number
  readonly signal?: AbortSignal
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end or its time limit; it does not outlive us. A status other than 0 is thrown. */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const ran = await attempt(command, args, options)
  if (ran.status !== 0) {
    const said = (ran.stderr.trim() || ran.stdout.trim()).split('\n').slice(-12).join('\n')
    throw new CommandError(`${command} ${args.join(' ')}\nfailed with status ${ran.status}: ${said}`)
  }
  return ran
}

/** The same, when failure is an answer. */
export function attempt(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it starts goes with it.
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (s: string) => (stdout += s))
    child.stderr.setEncoding('utf8').on('data', (s: string) => (stderr = (stderr + s).slice(-65536)))
    const stop = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    }
    let why: string | undefined
    const timer = setTimeout(() => {
      why = `no end after ${options.seconds} s`
      stop()
    }, options.seconds * 1000)
    const onAbort = () => {
      why = 'interrupted'
      stop()
    }
    options.signal?.addEventListener('abort', onAbort)
    process.on('exit', stop)
    const settle = () => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      process.off('exit', stop)
    }
    child.on('error', (e) => {
      settle()
      reject(new CommandError(`${command}: ${e.message}`))
    })
    child.on('close', (status) => {
      settle()
      if (why !== undefined) reject(new CommandError(`${command} ${args.join(' ')}: ${why}`))
      else resolve({ status: status ?? 128, stdout, stderr })
    })
    if (options.signal?.aborted) onAbort()
  })
}

/** Where a program is, or undefined. */
export function which(program: string): string | undefined {
  for (const dir of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    const file = join(dir, program)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not here.
    }
  }
  return undefined
}
