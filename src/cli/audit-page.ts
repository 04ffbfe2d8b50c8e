import { createHash } from 'node:crypto'
import type { AuditResult, Comparison } from '../audit/index.ts'
import { comparisonData, reportData } from '../report/audit-scenes.ts'
import { renderReportPage } from '../report/html.ts'
import type { ReportData } from '../report/page-data.ts'
import { pageScript } from './page-script.ts'

/** The report page of an audit, `--format html`. `read` gives the text of a file of the tree, if it can. */
export function auditPage(result: AuditResult, read: (file: string) => string | undefined): string {
  return pageOf(reportData(result, read))
}

/** The page of a comparison: what is not as it was. */
export function comparisonPage(
  comparison: Comparison,
  result: AuditResult,
  read: (file: string) => string | undefined,
): string {
  return pageOf(comparisonData(comparison, result, read))
}

const pageOf = (data: ReportData): string =>
  renderReportPage(data, {
    script: pageScript(),
    sha256: (text) => createHash('sha256').update(text).digest('base64'),
  })
