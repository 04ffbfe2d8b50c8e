import { isCFile, decode, type KernelVersion, type Tree } from './tree.ts'
import type { Problem } from './ir.ts'

/** A tree that is in memory: C files, Makefiles and Kbuilds by path. */
export class MemoryTree implements Tree {
  readonly kind = 'memory'
  readonly root = undefined
  readonly path: string
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
  readonly problems: Problem[] = []
  readonly #bytes: ReadonlyMap<string, Uint8Array>

  constructor(path: string, files: ReadonlyMap<string, Uint8Array>, kernel?: KernelVersion) {
    this.path = path
    this.kernel = kernel
    this.files = [...files.keys()].filter(isCFile).sort()
    this.#bytes = files
  }

  bytes(path: string): Uint8Array | undefined {
    const bytes = this.#bytes.get(path)
    if (bytes === undefined)
      this.problems.push({ file: path, message: 'the file cannot be read: it is not there' })
    return bytes
  }

  text(path: string): string | undefined {
    return decode(this.bytes(path), path, this.problems)
  }

  makefile(directory: string): string | undefined {
    const at = directory === '' ? '' : `${directory}/`
    const bytes = this.#bytes.get(`${at}Kbuild`) ?? this.#bytes.get(`${at}Makefile`)
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')
  }
}
