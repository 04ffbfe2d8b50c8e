import type { Api } from '../things/api.ts'
import type { Func } from '../../source/index.ts'

/**
 * Calls that make files and put them behind descriptors. fs/anon_inodes.c, fs/file.c and include/linux/file.h of Linux 5.10, 6.1, 6.12
 * and 7.2 were read for it.
 */
const table: readonly Api[] = [
  { name: 'anon_inode_getfd', role: { does: 'make-file', fops: 1, priv: 2, fd: true } },
  { name: 'anon_inode_getfd_secure', role: { does: 'make-file', fops: 1, priv: 2, fd: true }, since: '5.11' },
  { name: 'anon_inode_create_getfd', role: { does: 'make-file', fops: 1, priv: 2, fd: true }, since: '6.6' },
  { name: 'anon_inode_getfile', role: { does: 'make-file', fops: 1, priv: 2 } },
  { name: 'anon_inode_getfile_secure', role: { does: 'make-file', fops: 1, priv: 2 }, since: '5.11' },
  { name: 'anon_inode_getfile_fmode', role: { does: 'make-file', fops: 1, priv: 2 }, since: '6.9' },
  { name: 'anon_inode_create_getfile', role: { does: 'make-file', fops: 1, priv: 2 }, since: '6.6' },
  { name: 'fd_install', role: { does: 'install', arg: 1 } },
  { name: 'dma_buf_fd_install', role: { does: 'install', arg: 0 }, since: '6.1' },
  { name: 'FD_ADD', role: { does: 'install', arg: 1, fails: true }, since: '6.19' },
  { name: 'FD_PREPARE', role: { does: 'prepare', arg: 2 }, since: '6.19' },
  { name: 'fd_publish', role: { does: 'install', arg: 0 }, since: '6.19' },
  { name: 'get_file', role: { does: 'get-file', arg: 0 } },
  { name: 'fput', role: { does: 'put-file', arg: 0 } },
]

export const apis: ReadonlyMap<string, Api> = new Map(table.map((a) => [a.name, a]))
/** From these on the file is user space's: each is a site. */
export const publishes: ReadonlyMap<string, Api> = new Map(
  table
    .filter((a) => a.role.does === 'install' || (a.role.does === 'make-file' && a.role.fd === true))
    .map((a) => [a.name, a]),
)

/** The same of dma-bufs, which are files, too. */
export const bufApis: ReadonlyMap<string, Api> = new Map(
  (
    [
      ...table,
      { name: 'dma_buf_export', role: { does: 'make-buf' } },
      { name: 'dma_buf_fd', role: { does: 'install', arg: 0, fails: true } },
      { name: 'get_dma_buf', role: { does: 'get-file', arg: 0 } },
      { name: 'dma_buf_put', role: { does: 'put-file', arg: 0 } },
    ] satisfies Api[]
  ).map((a) => [a.name, a]),
)

/** `FD_PREPARE(fdf, flags, file)` declares fdf. */
export const preparedIn = (func: Func): readonly string[] =>
  func.mentions('FD_PREPARE')
    ? [...func.file.source.text.slice(func.start, func.end).matchAll(/\bFD_PREPARE\(\s*(\w+)\s*,/g)].map(
        (m) => m[1]!,
      )
    : []
