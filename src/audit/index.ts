export { audit, siteFile } from './audit.ts'
export type { AuditOptions } from './protocol.ts'
export { protocols, standing } from './protocols/index.ts'
export * from './result.ts'
