import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The kernels that Debian ships and that we run, by the version names that the model uses. */
export const kernels = [
  { name: '5.10', suite: 'bullseye' },
  { name: '6.1', suite: 'bookworm' },
  { name: '6.12', suite: 'trixie' },
  { name: '7.2', suite: 'sid' },
] as const
export type KernelName = (typeof kernels)[number]['name']
export const isKernelName = (name: string): name is KernelName => kernels.some((k) => k.name === name)

/** The C that runs inside the virtual machine, in the sources of the package. */
export const guestSources = fileURLToPath(new URL('../../../guest/', import.meta.url))
export const guestFiles = ['protocol.h', 'agent.c', 'tenure.c', 'Kbuild'] as const

export function cacheFolder(option?: string): string {
  if (option !== undefined) return option
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(base, 'tenure')
}

/** What `--fetch` leaves for one kernel; written last, so that its being there means that all is there. */
export type Image = {
  readonly kernel: KernelName
  /** `uname -r`. */
  readonly release: string
  /** The package's version. */
  readonly version: string
  readonly vmlinuz: string
  readonly module: string
  readonly agent: string
  /** Of the guest sources that module and agent were built from. */
  readonly guest: string
}

export const manifestFile = (cache: string, kernel: KernelName): string => join(cache, kernel, 'image.json')

export function guestHash(): string {
  const hash = createHash('sha256')
  for (const file of guestFiles) hash.update(readFileSync(join(guestSources, file)))
  return hash.digest('hex').slice(0, 16)
}

/** The image of a kernel, or why there is none. */
export function findImage(cache: string, kernel: KernelName): Image | string {
  const how = `'tenure conform --fetch --kernel ${kernel}' gets it`
  let image: Image
  try {
    image = JSON.parse(readFileSync(manifestFile(cache, kernel), 'utf8')) as Image
  } catch {
    return `there is no kernel ${kernel} in ${cache}: ${how}`
  }
  if (image.guest !== guestHash())
    return `the guest for ${kernel} in ${cache} was built from other sources: 'tenure conform --fetch --kernel ${kernel}' builds it anew`
  return image
}
