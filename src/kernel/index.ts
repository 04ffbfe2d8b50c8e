/** The executable kernel: operations, invariants, versions and policies over one small state. See docs/model.md. */
export {
  type AttachmentConfig,
  type BoConfig,
  configure,
  type FullConfig,
  type Insertion,
  type KernelConfig,
  type NotifierConfig,
  type VmaConfig,
  type VmFlag,
  whyAbsent,
  type Zone,
} from './config.ts'
export { constants, errnoName } from './constants.ts'
export { type Invariant, type InvariantCode, invariants } from './invariants/index.ts'
export { stackTables } from './schema.ts'
export { Kernel } from './kernel.ts'
export { firstFd } from './mm/dma_buf.ts'
export {
  accepts,
  type ArgKind,
  baseKind,
  isOptional,
  isOut,
  isThing,
  type Kind,
  matchArgs,
  namesFrame,
  needsProcess,
  type Op,
  type ThingKind,
} from './op.ts'
export { firstDma } from './mm/access.ts'
export { ops } from './ops/index.ts'
export { defaultPolicies, policies, type Policy, type PolicyName } from './policies/index.ts'
export type { Expression, Instruction, Operand, Program, Register } from './program.ts'
export { changes, compareVersions, isVersion, kernels, releases, stableReleases } from './versions.ts'
export type { KernelLayout, KernelRows } from './schema.ts'
