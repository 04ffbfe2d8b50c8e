import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, run } from './process.ts'

/** An archive that apt is set up with: where it is, for which suite, and the keyring it is signed with. */
export type Archive = { readonly uri: string; readonly suite: string; readonly signedBy?: string }

/** Archives in /etc/apt, in both formats: one line each, and deb822 stanzas. */
export function parseSources(text: string, deb822: boolean): Archive[] {
  const found: Archive[] = []
  if (deb822) {
    for (const stanza of text.split(/\n\s*\n/)) {
      const fields = new Map<string, string>()
      let key = ''
      for (const line of stanza.split('\n')) {
        if (line.startsWith('#')) continue
        const m = /^([A-Za-z-]+):\s*(.*)$/.exec(line)
        if (m) {
          key = m[1]!.toLowerCase()
          fields.set(key, m[2]!)
        } else if (/^\s/.test(line)) fields.set(key, `${fields.get(key) ?? ''} ${line.trim()}`)
      }
      const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter((w) => w !== '')
      if (!words('types').includes('deb') || /^no$/i.test(fields.get('enabled') ?? '')) continue
      const signedBy = words('signed-by')[0]
      for (const uri of words('uris'))
        for (const suite of words('suites'))
          found.push(signedBy?.startsWith('/') ? { uri, suite, signedBy } : { uri, suite })
    }
    return found
  }
  for (const line of text.split('\n')) {
    const m = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line)
    if (!m) continue
    const signedBy = /signed-by=(\S+)/.exec(m[1] ?? '')?.[1]
    found.push(signedBy === undefined ? { uri: m[2]!, suite: m[3]! } : { uri: m[2]!, suite: m[3]!, signedBy })
  }
  return found
}

export async function configuredArchives(etc = '/etc/apt'): Promise<Archive[]> {
  const read = (file: string) => readFile(file, 'utf8').catch(() => '')
  const found = parseSources(await read(join(etc, 'sources.list')), false)
  const parts = await readdir(join(etc, 'sources.list.d')).catch(() => [] as string[])
  for (const part of parts.sort()) {
    const text = await read(join(etc, 'sources.list.d', part))
    if (part.endsWith('.list')) found.push(...parseSources(text, false))
    if (part.endsWith('.sources')) found.push(...parseSources(text, true))
  }
  return found
}

/**
 * The mirror of Debian's archive, and of its security archive, that this machine uses. A mirror that is given is asked for both:
 * the security archive is then beside the main one, as mirrors have it (`…/debian`, `…/debian-security`).
 */
export function chooseMirrors(
  archives: readonly Archive[],
  given?: string,
): { main?: string; security?: string } {
  if (given !== undefined) {
    const main = given.replace(/\/+$/, '')
    return { main, security: `${main}-security` }
  }
  const debian = /^(bullseye|bookworm|trixie|forky|sid|stable|testing|unstable|oldstable)$/
  const strip = (uri: string | undefined) => uri?.replace(/\/+$/, '')
  const main = strip(archives.find((a) => debian.test(a.suite))?.uri)
  const security = strip(archives.find((a) => a.suite.endsWith('-security'))?.uri)
  return {
    ...(main === undefined ? {} : { main }),
    ...(security !== undefined ? { security } : main === undefined ? {} : { security: `${main}-security` }),
  }
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** One stanza of `apt-cache show`: what we need of it. */
export type Package = { readonly name: string; readonly version: string; readonly depends: readonly string[] }

export function parseShow(text: string): Package[] {
  return text
    .split(/\n\n+/)
    .filter((s) => s.trim() !== '')
    .map((stanza) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? ''
      return {
        name: field('Package'),
        version: field('Version'),
        // Of alternatives, the first: `dracut | initramfs-tools`.
        depends: field('Depends')
          .split(',')
          .map((d) => d.trim().split(/[ |(:]/)[0]!)
          .filter((d) => d !== ''),
      }
    })
}

/** An apt of our own: its own sources, lists and archives, the system's programs and keys. It needs no privilege and installs nothing. */
export class Apt {
  readonly #dir: string
  readonly #signal: AbortSignal | undefined

  constructor(dir: string, signal?: AbortSignal) {
    this.#dir = dir
    this.#signal = signal
  }

  /** Writes the configuration and refreshes the lists. */
  async update(sources: readonly { uri: string; suite: string }[]): Promise<void> {
    const dir = this.#dir
    for (const sub of ['etc/parts', 'lists/partial', 'archives/partial', 'state'])
      await mkdir(join(dir, sub), { recursive: true })
    for (const empty of ['status', 'etc/preferences']) await writeFile(join(dir, empty), '')
    await writeFile(
      join(dir, 'etc/sources.list'),
      sources.map((s) => `deb [signed-by=${keyring}] ${s.uri} ${s.suite} main\n`).join(''),
    )
    await writeFile(
      join(dir, 'apt.conf'),
      [
        ['Dir::Etc::sourcelist', join(dir, 'etc/sources.list')],
        ['Dir::Etc::sourceparts', join(dir, 'etc/parts')],
        ['Dir::Etc::preferences', join(dir, 'etc/preferences')],
        ['Dir::Etc::preferencesparts', join(dir, 'etc/parts')],
        ['Dir::State', join(dir, 'state')],
        ['Dir::State::lists', join(dir, 'lists')],
        ['Dir::State::status', join(dir, 'status')],
        ['Dir::Cache', dir],
        ['Dir::Cache::archives', join(dir, 'archives')],
        ['APT::Architecture', 'amd64'],
        ['APT::Architectures', 'amd64'],
        ['APT::Sandbox::User', ''],
        ['APT::Install-Recommends', 'false'],
        ['Acquire::Languages', 'none'],
        ['Acquire::Retries', '3'],
      ]
        .map(([k, v]) => `${k} "${v}";\n`)
        .join(''),
    )
    await this.#apt('apt-get', ['-q', 'update', '-o', 'APT::Update::Error-Mode=any'], 300)
  }

  async show(name: string): Promise<Package[]> {
    return parseShow((await this.#apt('apt-cache', ['show', name], 60)).stdout)
  }

  /** What an installation on an empty machine would bring: `name=version`, dependencies first. */
  async closure(names: readonly string[], suite: string): Promise<string[]> {
    const plan = await this.#apt('apt-get', ['-s', '-y', '-t', suite, 'install', ...names], 120)
    return [...plan.stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map((m) => `${m[1]}=${m[2]}`)
  }

  /** The .deb files, downloaded or there already. apt checks signatures of the lists, and sizes and hashes of the files. */
  async download(packages: readonly string[]): Promise<string[]> {
    const dir = join(this.#dir, 'archives')
    await this.#apt('apt-get', ['-q', 'download', ...packages], 1800, dir)
    const files = await readdir(dir)
    return packages.map((p) => {
      const [name, version] = p.split('=') as [string, string]
      const start = `${name}_${version.replaceAll(':', '%3a')}_`
      const file = files.find((f) => f.startsWith(start) && f.endsWith('.deb'))
      if (file === undefined) throw new CommandError(`apt-get downloaded no ${start}*.deb`)
      return join(dir, file)
    })
  }

  /** Downloads that are unpacked need not be kept. */
  async forget(files: readonly string[]): Promise<void> {
    for (const file of files) await rm(file, { force: true })
  }

  #apt(program: string, args: readonly string[], seconds: number, cwd?: string) {
    return run(program, args, {
      seconds,
      env: { APT_CONFIG: join(this.#dir, 'apt.conf'), DEBIAN_FRONTEND: 'noninteractive' },
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      ...(cwd === undefined ? {} : { cwd }),
    })
  }
}
