import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Overlay } from './overlay.ts'
import type { Tree } from './tree.ts'

/**
 * What a tree in a directory consists of, as a hash: path, size, inode and both times of every file that an audit may read. The time of
 * change cannot be set back, so a file that was written to always counts. Undefined where that cannot be told.
 */
export function identityOf(tree: Tree): string | undefined {
  if (tree instanceof Overlay) {
    const parts = [identityOf(tree.base), identityOf(tree.top)]
    return parts.includes(undefined) ? undefined : `overlay ${parts.join(' ')}`
  }
  const { root } = tree
  if (root === undefined) return undefined
  const hash = createHash('sha256')
  const directories = new Set(tree.files.map((f) => dirname(f)))
  for (const d of Array.from(directories))
    for (let at = d; at !== '.' && at !== '/'; at = dirname(at)) directories.add(at)
  const stamp = (path: string): void => {
    const said = stampOf(join(root, path))
    if (said !== undefined) hash.update(`${path}\0${said}\n`)
  }
  hash.update(`${root}\n`)
  for (const f of tree.files) stamp(f)
  for (const d of ['.', ...directories].sort())
    for (const name of ['Kbuild', 'Makefile']) stamp(`${d}/${name}`)
  return hash.digest('hex')
}

/** The same of what need not be opened to be told: a tarball by its stamp, a revision by git's own hash of its tree. */
export function identityUnopened(name: string, repository: string | undefined): string | undefined {
  if (repository !== undefined) {
    const { stdout, status } = spawnSync(
      'git',
      ['-C', repository, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{tree}`],
      { encoding: 'utf8' },
    )
    return status === 0 ? `git ${stdout.trim()}` : undefined
  }
  if (!/\.(tar|tgz|txz|tar\.gz|tar\.xz)$/.test(name)) return undefined
  const said = stampOf(name)
  return said && `archive ${realpathSync(name)} ${said}`
}

function stampOf(path: string): string | undefined {
  try {
    const s = statSync(path, { throwIfNoEntry: false })
    return s?.isFile() === true ? `${s.size} ${s.ino} ${s.mtimeMs} ${s.ctimeMs}` : undefined
  } catch {
    return undefined
  }
}
