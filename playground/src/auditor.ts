import { audit } from '../../src/audit/audit.ts'
import { reportData } from '../../src/report/audit-scenes.ts'
import type { ReportData } from '../../src/report/page-data.ts'
import { Program } from '../../src/source/program.ts'
import type { Tree } from '../../src/source/tree.ts'

/**
 * The auditor in a worker of the page: the same code as on the command line, over files that were pasted or dropped. It is built without
 * the model, which the worker has already.
 */
export type Given = { readonly path: string; readonly text: string }
export type AuditAnswer = { readonly id: number } & (
  | { readonly progress: { readonly done: number; readonly of: number } }
  | { readonly data: ReportData }
  | { readonly failed: string }
)
type Ask = {
  readonly id: number
  readonly files: readonly Given[]
  readonly kernel: string
  readonly policies: Readonly<Record<string, string>>
}

async function auditFiles(
  { files, kernel, policies }: Ask,
  onProgress: (done: number, of: number) => void,
): Promise<ReportData> {
  const texts = new Map(files.map((f) => [f.path, f.text]))
  const tree: Tree = {
    path: files.length === 1 ? files[0]!.path : 'the files of this page',
    kind: 'directory',
    kernel: undefined,
    files: [...texts.keys()].sort(),
    problems: [],
    root: undefined,
    bytes: (path) => new TextEncoder().encode(texts.get(path)),
    text: (path) => texts.get(path),
    makefile: () => undefined,
  }
  const program = new Program(tree)
  const result = await audit(program, {
    treeKernel: undefined,
    ...(kernel === '' ? {} : { kernel }),
    policies,
    version: 'in the page',
    path: tree.path,
    onProgress,
  })
  return reportData(result, (path) => texts.get(path))
}

const say = (a: AuditAnswer) => self.postMessage(a)
self.addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  const { id } = data
  auditFiles(data, (done, of) => say({ id, progress: { done, of } })).then(
    (found) => say({ id, data: found }),
    (e: unknown) => say({ id, failed: e instanceof Error ? e.message : String(e) }),
  )
})
