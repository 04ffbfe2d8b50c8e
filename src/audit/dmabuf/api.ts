/**
 * What importers and exporters of dma-bufs call, in every generation of the calls. drivers/dma-buf/dma-buf.c, include/linux/dma-buf.h,
 * fs/file.c and drivers/gpu/drm/drm_prime.c of Linux 5.10, 6.1, 6.12 and 7.2 were read for it.
 */
export type Role =
  /** Takes a reference to the dma-buf behind a descriptor: it, or an error pointer. */
  | { readonly does: 'get' }
  /** Makes a dma-buf, whose reference is the caller's: it, or an error pointer. */
  | { readonly does: 'export' }
  /** Puts a dma-buf behind a descriptor, which takes its reference over, if it works. */
  | { readonly does: 'publish'; readonly arg: number; readonly fails: boolean }
  /** One more reference to a dma-buf (argument 0). */
  | { readonly does: 'ref' }
  | { readonly does: 'put' }
  /** Makes an attachment of a dma-buf (argument 0), or an error pointer; `ops`: which argument has the importer's callbacks. */
  | { readonly does: 'attach'; readonly ops?: number }
  /** Arguments: the dma-buf, the attachment. */
  | { readonly does: 'detach' }
  /** Arguments: the attachment, the direction. `locked`: under the reservation lock of the dma-buf. */
  | { readonly does: 'map'; readonly locked: boolean }
  /** Arguments: the attachment, the table, the direction. */
  | { readonly does: 'unmap'; readonly locked: boolean }
  | { readonly does: 'pin' }
  | { readonly does: 'unpin' }
  /**
   * Undoes what the DRM core's import did: arguments are the object with `import_attach`, and the table or NULL. Or an object that has
   * both: `base`, and in the field `table`.
   */
  | { readonly does: 'destroy'; readonly base?: string; readonly table?: string }
  /** Registers a notifier: the argument points to it. Zero, or an errno. */
  | { readonly does: 'register'; readonly arg: number }
  /** Gives one that is registered or makes it: it, or an error pointer. */
  | { readonly does: 'get-notifier' }
  | { readonly does: 'unregister'; readonly arg: number }
  /** Makes a file with an object behind it: it, or an error pointer. `fd`: it is published as well, and the number is given. */
  | { readonly does: 'make-file'; readonly fops: number; readonly priv: number; readonly fd?: true }
  /** Puts a file behind a descriptor, which takes its reference over. */
  | { readonly does: 'install'; readonly arg: number; readonly fails?: true }
  /** Takes a number for a file, which a variable (argument 0) keeps together; both are given back at its end. */
  | { readonly does: 'prepare'; readonly arg: number }
  | { readonly does: 'get-file' | 'put-file'; readonly arg: number }

export type Api = {
  readonly name: string
  readonly role: Role
  /** First release with it, and first one without it. */
  readonly since?: string
  readonly until?: string
}

const api = (name: string, role: Role, since?: string): Api => ({
  name,
  role,
  ...(since !== undefined && { since }),
})

const table: readonly Api[] = [
  api('dma_buf_get', { does: 'get' }),
  api('get_dma_buf', { does: 'ref' }),
  api('dma_buf_put', { does: 'put' }),
  api('dma_buf_attach', { does: 'attach' }),
  api('dma_buf_dynamic_attach', { does: 'attach', ops: 2 }),
  api('dma_buf_detach', { does: 'detach' }),
  api('dma_buf_map_attachment', { does: 'map', locked: true }),
  api('dma_buf_map_attachment_unlocked', { does: 'map', locked: false }, '6.1'),
  api('dma_buf_unmap_attachment', { does: 'unmap', locked: true }),
  api('dma_buf_unmap_attachment_unlocked', { does: 'unmap', locked: false }, '6.1'),
  api('dma_buf_pin', { does: 'pin' }),
  api('dma_buf_export', { does: 'export' }),
  api('dma_buf_fd', { does: 'publish', arg: 0, fails: true }),
  api('fd_install', { does: 'publish', arg: 1, fails: false }),
  api('dma_buf_unpin', { does: 'unpin' }),
  api('drm_prime_gem_destroy', { does: 'destroy' }),
  api('drm_gem_shmem_free', { does: 'destroy', base: 'base', table: 'sgt' }),
  api('drm_gem_shmem_release', { does: 'destroy', base: 'base', table: 'sgt' }),
]

export const apis: ReadonlyMap<string, Api> = new Map(table.map((a) => [a.name, a]))

/** The calls that a dma-buf is borrowed by: each is a site. */
export const acquires: ReadonlyMap<string, Api> = new Map(
  table.filter((a) => /^(get|attach|map|pin)$/.test(a.role.does)).map((a) => [a.name, a]),
)

/** Those that a dma-buf is made and published by: sites, too. */
export const exports: ReadonlyMap<string, Api> = new Map(
  table.filter((a) => a.name === 'dma_buf_export' || a.name === 'dma_buf_fd').map((a) => [a.name, a]),
)
export const isExport = (a: Api): boolean => a.role.does === 'export' || a.role.does === 'publish'

/** The reservation lock of a dma-buf, taken and dropped. */
export const resvTaken = /^(dma_resv_lock|dma_resv_lock_slow|ww_mutex_lock|drm_gem_lock_reservations)$/
export const resvTried =
  /^(dma_resv_lock_interruptible|dma_resv_lock_slow_interruptible|ww_mutex_lock_interruptible|ttm_bo_reserve)$/
export const resvTryLock = /^(dma_resv_trylock|ww_mutex_trylock)$/
export const resvDropped = /^(dma_resv_unlock|ww_mutex_unlock|ttm_bo_unreserve|drm_gem_unlock_reservations)$/
export const resvAsserted = /^(dma_resv_assert_held|dma_resv_held|lockdep_assert_held)$/
