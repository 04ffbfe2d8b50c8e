import type { AuditResult, Verdict } from '../audit/result.ts'
import type { Scene } from './picture/scene.ts'

/** What a report page holds: an audit, the runs behind its findings, and the lines of source that it speaks of. */
export type ReportData = {
  readonly result: AuditResult
  readonly scenes: readonly Scene[]
  /** For each site which of the scenes, if any. Sites with the same test share one; the places are the site's own. */
  readonly sceneOf: readonly (number | null)[]
  /** By file, then by line number. */
  readonly lines: Readonly<Record<string, Readonly<Record<number, string>>>>
  /** Of a comparison: what it was compared with, and for each site what became of it. */
  readonly compared?: { readonly with: string; readonly changes: readonly ChangeNote[] }
}

export type ChangeNote = {
  readonly change: 'appeared' | 'gone' | 'changed'
  /** The verdict that it had. */
  readonly was?: Verdict
  /** What made it so, in words, each with its place. */
  readonly blame: readonly string[]
}
