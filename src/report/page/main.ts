import type { ReportData } from '../page-data.ts'
import { Report } from './report.ts'

/** Where a report page starts: the data stands in the page. */
const data = JSON.parse(document.getElementById('data')!.textContent!) as ReportData
document.getElementById('report')!.append(new Report(data).element)
