import { holdingKinds } from './holding/audit.ts'
import { kind as pfnLookup } from './protocols/pfn-lookup.ts'

export { audit, type AuditOptions, siteFile } from './audit.ts'
export * from './result.ts'

/** The protocols that there are, by the kind of site they find. The first is on by itself, the others are asked for. */
export const protocols: readonly string[] = [pfnLookup, ...holdingKinds]
