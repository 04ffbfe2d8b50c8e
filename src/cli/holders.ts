import { parseArgs } from 'node:util'
import { audit, holders as holdersOf, protocols } from '../audit/index.ts'
import { renderHolders } from '../report/holders-text.ts'
import { ansi, plain } from '../report/style.ts'
import { Program } from '../source/index.ts'
import { openInput } from './audit-input.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'
import { Progress } from './progress.ts'
import { version } from './version.ts'

export const holders: Command = {
  name: 'holders',
  summary: 'who can hold a page, for how long, and what lets it go',
  usage: `
usage: tenure holders [options] TREE
       tenure holders [options] --git REPOSITORY REVISION

For somebody with a migration, a CMA allocation or an unplug that gets
stuck: every place of the tree that keeps a page for longer than the call
that takes it, by what a user takes it, and by what it is given back.
It says who can hold a page, not who holds one now.

  --file PATH          only of this file or folder of the tree
  --git REPOSITORY     of a revision, without a checkout
  --against KERNEL     the tree is a driver from outside this kernel
  --format text|json   docs/holders.md has both

Exit codes: 0 done, 2 the tree could not be read.`,
  run,
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      file: { type: 'string' },
      git: { type: 'string' },
      against: { type: 'string' },
      format: { type: 'string', default: 'text' },
    },
  })
  const [name, second] = positionals
  if (name === undefined) throw new UsageError('which tree?')
  if (second !== undefined) throw new UsageError(`one tree at a time; '${second}' is a second one`)
  if (values.format !== 'text' && values.format !== 'json')
    throw new UsageError(`there is no format '${values.format}'`, 'text or json')
  const progress = io.errIsTerminal ? new Progress(io) : undefined
  const input = await openInput(name, { git: values.git, against: values.against }, io, progress)
  if (input === undefined) return exit.failed
  const { tree } = input
  const wanted = values.file?.replace(/^\.\//, '').replace(/\/+$/, '')
  if (wanted !== undefined && !tree.files.some((f) => f === wanted || f.startsWith(`${wanted}/`)))
    throw new UsageError(`${name} has no ${wanted}`, 'give a path as it is below the tree')
  const program =
    wanted === undefined
      ? input.program
      : new Program(tree, {
          scanner: input.program.scanner,
          scope: (path) => input.program.scope(path) && (path === wanted || path.startsWith(`${wanted}/`)),
        })
  try {
    const result = await audit(program, {
      treeKernel: tree.kernel?.text,
      protocols: protocols.filter((p) => ['pfn-lookup', 'page-pin', 'page-get'].includes(p)),
      version,
      path: input.name,
      signal: io.signal,
      onProgress: (done, of) => progress?.say(`judged ${done} sites of ${of} functions`),
    })
    const found = holdersOf(program, result)
    progress?.clear()
    io.out(
      values.format === 'json'
        ? `${JSON.stringify(found, null, 1)}\n`
        : `${renderHolders(found, io.outIsTerminal ? ansi : plain)}\n`,
    )
    return exit.ok
  } finally {
    progress?.clear()
    await input.program.close()
  }
}
