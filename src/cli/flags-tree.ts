import { mapSurvey } from '../audit/index.ts'
import { mapSurveyCsv, renderMapSurvey } from '../report/map-survey.ts'
import { openInput } from './audit-input.ts'
import { exit, type Io, UsageError } from './io.ts'
import { Progress } from './progress.ts'
import { version } from './version.ts'

/** `tenure flags TREE`: which flags the handlers of a tree end with. */
export async function flagsOfTree(
  name: string,
  options: {
    readonly policies: readonly string[]
    readonly format: string
    readonly git: string | undefined
  },
  io: Io,
): Promise<number> {
  const format = (['text', 'json', 'csv'] as const).find((f) => f === options.format)
  if (format === undefined)
    throw new UsageError(`there is no format '${options.format}' for a tree`, 'text, json or csv')
  for (const p of options.policies)
    if (!/^dma[-_]buf[-_]mmap=pfnmap$/.test(p))
      throw new UsageError(`'${p}' is no question about the flags of a tree`, 'dma-buf-mmap=pfnmap')
  const progress = io.errIsTerminal ? new Progress(io) : undefined
  const input = await openInput(name, { git: options.git, against: undefined }, io, progress)
  if (input === undefined) return exit.failed
  try {
    const found = await mapSurvey(
      input.program,
      { treeKernel: input.tree.kernel?.text, version, path: input.name, signal: io.signal },
      options.policies.length > 0,
    )
    progress?.clear()
    io.out(
      `${format === 'json' ? JSON.stringify(found, null, 1) : format === 'csv' ? mapSurveyCsv(found) : renderMapSurvey(found)}\n`,
    )
    return exit.ok
  } finally {
    progress?.clear()
    await input.program.close()
  }
}
