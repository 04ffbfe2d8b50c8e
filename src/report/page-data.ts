import type { AuditResult } from '../audit/result.ts'
import type { Scene } from './picture/scene.ts'

/** What a report page holds: an audit, the runs behind its findings, and the lines of source that it speaks of. */
export type ReportData = {
  readonly result: AuditResult
  readonly scenes: readonly Scene[]
  /** For each site which of the scenes, if any. Sites with the same test share one; the places are the site's own. */
  readonly sceneOf: readonly (number | null)[]
  /** By file, then by line number. */
  readonly lines: Readonly<Record<string, Readonly<Record<number, string>>>>
}
