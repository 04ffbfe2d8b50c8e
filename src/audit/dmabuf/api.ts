import type { Api, Role } from '../things/api.ts'
import type { About } from '../things/walk.ts'

/**
 * What importers and exporters of dma-bufs call, in every generation of the calls. drivers/dma-buf/dma-buf.c, include/linux/dma-buf.h,
 * fs/file.c and drivers/gpu/drm/drm_prime.c of Linux 5.10, 6.1, 6.12 and 7.2 were read for it.
 */
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

/** What a walk is about that looks at importers, and one that looks at exporters. */
export const aboutImports: About = { apis: new Map([...apis].filter(([, a]) => !isExport(a))) }
export const aboutExports: About = { apis }
