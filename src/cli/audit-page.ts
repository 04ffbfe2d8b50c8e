import { createHash } from 'node:crypto'
import type { AuditResult } from '../audit/index.ts'
import { reportData } from '../report/audit-scenes.ts'
import { renderReportPage } from '../report/html.ts'
import { pageScript } from './page-script.ts'

/** The report page of an audit, `--format html`. `read` gives the text of a file of the tree, if it can. */
export function auditPage(result: AuditResult, read: (file: string) => string | undefined): string {
  return renderReportPage(reportData(result, read), {
    script: pageScript(),
    sha256: (text) => createHash('sha256').update(text).digest('base64'),
  })
}
