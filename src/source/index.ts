export type * from './ir.ts'
export * from './flow.ts'
export { openRevision } from './git.ts'
export { identityOf, identityUnopened } from './identity.ts'
export { diffLines, type Hunk } from './lines.ts'
export { MemoryTree } from './memory.ts'
export { openTree } from './open.ts'
export { Overlay } from './overlay.ts'
export { parseC } from './parse.ts'
export { applyPatch, type Patched, parsePatch } from './patch.ts'
export * from './program.ts'
export { type Finder, type Places, Scanner, scannerOf } from './scan.ts'
export { filesHolding } from './search.ts'
export {
  type KernelVersion,
  notKernel,
  type OpenOptions,
  type Tree,
  type TreeData,
  treeFrom,
} from './tree.ts'
export type { WordIndex } from './word-index.ts'
export * from './cfg.ts'
