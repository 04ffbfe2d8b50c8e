import type { Problem } from './ir.ts'
import type { KernelVersion, Tree } from './tree.ts'

/**
 * One tree laid over another: where both have a file it is the upper one's, and what is `hidden` is gone. A patch is a few files over a
 * tree; a driver that is not in the kernel is a folder over the kernel that it is built for.
 */
export class Overlay implements Tree {
  readonly kind = 'overlay'
  readonly path: string
  readonly root = undefined
  readonly kernel: KernelVersion | undefined
  readonly files: readonly string[]
  readonly base: Tree
  readonly top: Tree
  readonly #above: ReadonlySet<string>
  readonly #hidden: ReadonlySet<string>

  constructor(base: Tree, top: Tree, options: { readonly hidden?: Iterable<string>; readonly path: string }) {
    this.base = base
    this.top = top
    this.path = options.path
    this.kernel = base.kernel ?? top.kernel
    this.#above = new Set(top.files)
    this.#hidden = new Set(options.hidden)
    const below = base.files.filter((f) => !this.#above.has(f) && !this.#hidden.has(f))
    this.files = [...below, ...top.files].sort()
  }

  /** Whether the file is the lower tree's. */
  isBelow(path: string): boolean {
    return !this.#above.has(path) && !this.#hidden.has(path)
  }

  /** The problems of both, those of files that are covered left out. */
  get problems(): Problem[] {
    return [...this.base.problems.filter((p) => this.isBelow(p.file)), ...this.top.problems]
  }

  bytes(path: string): Uint8Array | undefined {
    return this.isBelow(path) ? this.base.bytes(path) : this.top.bytes(path)
  }

  text(path: string): string | undefined {
    return this.isBelow(path) ? this.base.text(path) : this.top.text(path)
  }

  makefile(directory: string): string | undefined {
    return this.top.makefile(directory) ?? this.base.makefile(directory)
  }
}
