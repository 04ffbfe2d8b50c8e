import { statSync } from 'node:fs'
import type { Outcome } from '../base/index.ts'
import { openArchive } from './archive.ts'
import { diagnose, openDirectory, openFile, type OpenOptions, reason, type Tree } from './tree.ts'

/** A directory, one file, or a tarball (.tar, .tar.gz, .tar.xz). Rejects only when `signal` is aborted. */
export async function openTree(path: string, options: OpenOptions = {}): Promise<Outcome<Tree>> {
  options.signal?.throwIfAborted()
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) return openDirectory(path, options)
    if (!stat.isFile()) return diagnose('source/unreadable', `${path} is neither a directory nor a file`)
    if (/\.(tar|tgz|txz|tar\.gz|tar\.xz)$/.test(path)) return await openArchive(path, options)
    if (/\.(tar\.(bz2|zst|lz4?)|zip|deb)$/.test(path))
      return diagnose(
        'source/unsupported',
        `${path} is an archive of a kind that is not read`,
        'unpack it and give its directory; .tar, .tar.gz and .tar.xz are read as they are',
      )
    return openFile(path)
  } catch (e) {
    options.signal?.throwIfAborted()
    return diagnose('source/unreadable', `${path} cannot be read: ${reason(e)}`)
  }
}
