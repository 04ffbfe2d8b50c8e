/** An entry of an initial RAM file system. `mode` has the type bits: 0o040755 a directory, 0o100755 a file, 0o020600 a device. */
export type Entry = {
  readonly path: string
  readonly mode: number
  readonly data?: Uint8Array
  readonly device?: { readonly major: number; readonly minor: number }
}

export const directory = (path: string): Entry => ({ path, mode: 0o040755 })
export const executable = (path: string, data: Uint8Array): Entry => ({ path, mode: 0o100755, data })
export const charDevice = (path: string, major: number, minor: number): Entry => ({
  path,
  mode: 0o020600,
  device: { major, minor },
})

/** A cpio archive in the newc format, as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function cpio(entries: readonly Entry[]): Uint8Array {
  const parts: Uint8Array[] = []
  const text = new TextEncoder()
  let at = 0
  const push = (bytes: Uint8Array) => {
    parts.push(bytes)
    at += bytes.length
    const pad = -at & 3
    if (pad > 0) {
      parts.push(new Uint8Array(pad))
      at += pad
    }
  }
  const all: Entry[] = [...entries, { path: 'TRAILER!!!', mode: 0 }]
  for (const [i, e] of all.entries()) {
    const name = text.encode(`${e.path}\0`)
    const fields = [
      i + 1, // ino
      e.mode,
      0, // uid
      0, // gid
      1, // nlink
      0, // mtime
      e.data?.length ?? 0,
      0, // devmajor
      0, // devminor
      e.device?.major ?? 0,
      e.device?.minor ?? 0,
      name.length,
      0, // check
    ]
    const header = text.encode(
      `070701${fields.map((f) => f.toString(16).padStart(8, '0').toUpperCase()).join('')}`,
    )
    const head = new Uint8Array(header.length + name.length)
    head.set(header)
    head.set(name, header.length)
    push(head)
    if (e.data !== undefined) push(e.data)
  }
  const whole = new Uint8Array(at)
  let to = 0
  for (const p of parts) {
    whole.set(p, to)
    to += p.length
  }
  return whole
}
