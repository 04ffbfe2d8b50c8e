import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Apt, chooseMirrors, configuredArchives } from './apt.ts'
import {
  findImage,
  guestFiles,
  guestHash,
  guestSources,
  type Image,
  kernels,
  type KernelName,
  manifestFile,
} from './cache.ts'
import { attempt, CommandError, run, which } from './process.ts'
import { qemu } from './vm.ts'

export type FetchOptions = {
  readonly cache: string
  readonly kernels: readonly KernelName[]
  readonly mirror?: string
  readonly signal?: AbortSignal
  readonly say: (line: string) => void
}

/** Something is not on this machine, and what to do about it. */
export class MissingError extends Error {
  override name = 'MissingError'
}

/** Programs that fetching and building need, and the Debian packages that have them. */
const needed = [
  ['apt-get', 'apt'],
  ['apt-cache', 'apt'],
  ['dpkg', 'dpkg'],
  ['dpkg-deb', 'dpkg'],
  ['tar', 'tar'],
  ['unshare', 'util-linux'],
  ['chroot', 'coreutils'],
  ['mount', 'mount'],
] as const

export function missingPrograms(): string[] {
  const missing: string[] = needed
    .filter(([program]) => which(program) === undefined)
    .map(([program, pkg]) => `${program} (package ${pkg})`)
  if (which(qemu) === undefined) missing.push(`${qemu} (package qemu-system-x86)`)
  return missing
}

/** The suite that the compiler comes from: it builds for all kernels, being the newest. */
const toolSuite = 'sid'
const toolPackages = [
  'gcc',
  'make',
  'libc6-dev',
  'dash',
  'coreutils',
  'sed',
  'grep',
  'mawk',
  'findutils',
  'libelf1t64',
]

/**
 * Gets what conformance runs need into the cache: Debian's kernels and their headers, a compiler, and what is built with them.
 * Everything is downloaded and verified by apt, and unpacked without being installed. What is there already stays.
 */
export async function fetchKernels(options: FetchOptions): Promise<Image[]> {
  const { cache, say } = options
  const ready = options.kernels.map((k) => findImage(cache, k))
  if (ready.every((r): r is Image => typeof r !== 'string')) return ready

  const missing = missingPrograms()
  if (missing.length > 0) throw new MissingError(`this needs ${missing.join(', ')}: install them`)
  const mirrors = chooseMirrors(await configuredArchives(), options.mirror)
  if (mirrors.main === undefined || mirrors.security === undefined)
    throw new MissingError(`apt is set up with no mirror of Debian's archive: name one with --mirror URL`)

  await mkdir(cache, { recursive: true })
  const apt = new Apt(join(cache, 'apt'), options.signal)
  const state = new State(options, apt)
  if (!(await state.isUnpacked('tools')) || !(await state.areUnpacked(options.kernels))) {
    say(`reading the package lists of ${mirrors.main}`)
    const sources: { uri: string; suite: string }[] = []
    for (const { suite } of kernels) {
      if (suite !== 'bullseye') sources.push({ uri: mirrors.main, suite })
      if (suite !== 'sid') sources.push({ uri: mirrors.security, suite: `${suite}-security` })
    }
    await apt.update(sources)
  }
  await state.tools()
  const images: Image[] = []
  for (const kernel of options.kernels) {
    await state.unpack(kernel)
    images.push(await state.build(kernel))
  }
  return images
}

type Unpacked = { readonly release: string; readonly version: string; readonly vmlinuz: string }

class State {
  readonly #options: FetchOptions
  readonly #apt: Apt

  constructor(options: FetchOptions, apt: Apt) {
    this.#options = options
    this.#apt = apt
  }

  get #tools(): string {
    return join(this.#options.cache, 'tools')
  }

  #run(command: string, args: readonly string[], seconds: number) {
    return run(command, args, { seconds, ...this.#signal })
  }

  get #signal(): { signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal }
  }

  async isUnpacked(folder: string): Promise<boolean> {
    return (await this.#unpacked(folder)) !== undefined
  }

  async areUnpacked(names: readonly KernelName[]): Promise<boolean> {
    for (const name of names) if (!(await this.isUnpacked(name))) return false
    return true
  }

  async #unpacked(folder: string): Promise<Unpacked | undefined> {
    try {
      const file = join(this.#options.cache, folder, 'unpacked.json')
      return JSON.parse(await readFile(file, 'utf8')) as Unpacked
    } catch {
      return undefined
    }
  }

  /** Unpacks into a folder beside, which takes the name when all is in it: a half-unpacked folder is never used. */
  async #fill(folder: string, fill: (dir: string) => Promise<object>): Promise<void> {
    const dir = join(this.#options.cache, folder)
    const part = `${dir}.part`
    await rm(part, { recursive: true, force: true })
    await mkdir(part, { recursive: true })
    const what = await fill(part)
    await writeFile(join(part, 'unpacked.json'), JSON.stringify(what))
    await rm(dir, { recursive: true, force: true })
    await rename(part, dir)
  }

  async tools(): Promise<void> {
    if (await this.isUnpacked('tools')) return
    const packages = await this.#apt.closure(toolPackages, toolSuite)
    this.#options.say(`downloading a compiler: ${packages.length} packages of ${toolSuite}`)
    const files = await this.#apt.download(packages)
    await this.#fill('tools', async (dir) => {
      for (const file of files) await this.#run('dpkg', ['-x', file, dir], 300)
      // What packages' scripts would have made.
      for (const name of ['bin', 'sbin', 'lib', 'lib64'])
        await symlink(`usr/${name}`, join(dir, name)).catch(() => {})
      await symlink('mawk', join(dir, 'usr/bin/awk')).catch(() => {})
      for (const name of ['proc', 'tmp', 'dev', 'build']) await mkdir(join(dir, name), { recursive: true })
      return { packages }
    })
    await this.#apt.forget(files)
  }

  async unpack(kernel: KernelName): Promise<void> {
    if (await this.isUnpacked(kernel)) return
    const { packages, version, release } = await this.#kernelPackages(kernel)
    this.#options.say(`downloading ${kernel}: ${release}, version ${version}`)
    const files = await this.#apt.download(packages)
    await this.#fill(kernel, async (dir) => {
      const root = join(dir, 'root')
      await mkdir(root)
      for (const file of files) {
        // Of the image only the kernel itself, not half a gigabyte of drivers. 7.2 has it in a package of its own.
        const isImage = /\/linux-(image|binary)-/.test(file)
        const only = 'dpkg-deb -c "$1" | grep -q /vmlinuz || exit 0; dpkg-deb --fsys-tarfile "$1" |'
        const extract = `${only} tar -x -C "$2" --wildcards "*/vmlinuz*"`
        if (isImage) await this.#run('sh', ['-c', extract, 'sh', file, root], 300)
        else await this.#run('dpkg', ['-x', file, root], 300)
      }
      const found = await this.#run('find', [root, '-name', 'vmlinuz*', '-type', 'f'], 60)
      const vmlinuz = found.stdout.trim().split('\n')[0]
      if (vmlinuz === undefined || vmlinuz === '')
        throw new CommandError(`no vmlinuz in the packages of ${release}`)
      await rename(vmlinuz, join(dir, 'vmlinuz'))
      const unpacked: Unpacked = { release, version, vmlinuz: join(this.#options.cache, kernel, 'vmlinuz') }
      return unpacked
    })
    await this.#apt.forget(files)
  }

  /** The packages of the newest `linux-image-amd64` of a series: what it depends on, as far as it is Linux itself. */
  async #kernelPackages(
    kernel: KernelName,
  ): Promise<{ packages: string[]; version: string; release: string }> {
    const series = (v: string) => v.startsWith(`${kernel}.`)
    const all = (await this.#apt.show('linux-image-amd64')).filter((p) => series(p.version))
    if (all.length === 0) throw new MissingError(`the mirror has no linux-image-amd64 of version ${kernel}`)
    const newest = await this.#newest(all)
    const image = newest.depends.find((d) => d.startsWith('linux-image-'))!
    const release = image.slice('linux-image-'.length)
    const wanted = new Map<string, string>()
    const queue = [image, `linux-headers-${release}`]
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (wanted.has(name)) continue
      const found = (await this.#apt.show(name)).find((p) => p.version === newest.version)
      // linux-base and the like: not of this kernel's source.
      if (found === undefined) continue
      wanted.set(name, found.version)
      queue.push(...found.depends.filter((d) => /^linux-(headers|kbuild|binary|image)/.test(d)))
    }
    return { packages: [...wanted].map(([n, v]) => `${n}=${v}`), version: newest.version, release }
  }

  async #newest<T extends { readonly version: string }>(all: readonly T[]): Promise<T> {
    let best = all[0]!
    for (const p of all) {
      const compared = await attempt('dpkg', ['--compare-versions', p.version, 'gt', best.version], {
        seconds: 10,
      })
      if (compared.status === 0) best = p
    }
    return best
  }

  /** Builds the module and the agent with the unpacked compiler, in a root of its own that needs no privilege. */
  async build(kernel: KernelName): Promise<Image> {
    const { cache, say } = this.#options
    const had = findImage(cache, kernel)
    if (typeof had !== 'string') return had
    const unpacked = (await this.#unpacked(kernel))!
    say(`building the guest for ${kernel}`)
    const work = join(cache, kernel, 'guest.part')
    await rm(work, { recursive: true, force: true })
    await mkdir(work, { recursive: true })
    for (const file of guestFiles) await copyFile(join(guestSources, file), join(work, file))
    const script = [
      'set -e',
      'mount -t proc proc "$1/proc"',
      'for d in src lib; do for f in "$2/usr/$d"/linux-*; do [ -e "$f" ] || continue',
      '  t="$1/usr/$d/${f##*/}"; mkdir -p "$t"; mount --bind "$f" "$t"; done; done',
      'mount --bind "$3" "$1/build"',
      'in_root() { chroot "$1" /usr/bin/env -i PATH=/usr/bin:/usr/sbin LC_ALL=C /bin/sh -ec "$2"; }',
      'in_root "$1" "gcc -O2 -Wall -static -o /build/agent /build/agent.c"',
      `in_root "$1" "make -s -C /usr/src/linux-headers-$4 M=/build CC=gcc CONFIG_DEBUG_INFO_BTF= CONFIG_DEBUG_INFO_BTF_MODULES= modules"`,
    ].join('\n')
    const root = join(cache, kernel, 'root')
    await this.#run(
      'unshare',
      [
        '--map-root-user',
        '--mount',
        '--pid',
        '--fork',
        'sh',
        '-c',
        script,
        'sh',
        this.#tools,
        root,
        work,
        unpacked.release,
      ],
      300,
    )
    const built = join(cache, kernel, 'guest')
    await rm(built, { recursive: true, force: true })
    await rename(work, built)
    const image: Image = {
      kernel,
      ...unpacked,
      module: join(built, 'tenure.ko'),
      agent: join(built, 'agent'),
      guest: guestHash(),
    }
    const file = manifestFile(cache, kernel)
    await writeFile(`${file}.part`, JSON.stringify(image, undefined, 2))
    await rename(`${file}.part`, file)
    return image
  }
}
