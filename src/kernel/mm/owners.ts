import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'

type Owner = Id<'owner'>

export const anonOf = (_k: Kernel, mm: Id<'mm'>): Owner => mm as number as Owner
export const boOwner = (k: Kernel, bo: Id<'bo'>): Owner => (k.config.mms.length + bo) as Owner
export const kernelOf = (k: Kernel): Owner => (k.owners.length - 2) as Owner
export const othersOf = (k: Kernel): Owner => (k.owners.length - 1) as Owner
