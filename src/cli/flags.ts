import { parseArgs } from 'node:util'
import {
  type Asked,
  cellName,
  confirmedBy,
  insertions,
  questions,
  shapesOf,
  tableOf,
  testOf,
} from '../flags/index.ts'
import { isVersion, kernels } from '../kernel/index.ts'
import { markdownFlags, renderFlags, renderFlagsDiff } from '../report/flags-text.ts'
import { flagsOfTree } from './flags-tree.ts'
import { type Command, exit, type Io, UsageError } from './io.ts'
import { version } from './version.ts'

export const flags: Command = {
  name: 'flags',
  summary: 'what VM_IO, VM_PFNMAP and VM_MIXEDMAP mean, computed',
  usage: `
usage: tenure flags [options]
       tenure flags --show CELL [options]
       tenure flags [--policy dma-buf-mmap=pfnmap] [--git REPOSITORY]
                    [--format text|json|csv] TREE

What a mapping with each combination of VM_IO, VM_PFNMAP and VM_MIXEDMAP
does when it is read, forked, pinned, looked up, grown, … Every cell is
a litmus test that the model runs.

  --kernel V           of this kernel (${kernels.join(', ')},
                       or a release between); left out, ${kernels.at(-1)}
  --diff V             what is different in that one
  --insert HOW         how the driver maps its memory; left out, what goes
                       with the flags (${insertions.join(', ')})
  --add FLAG           with this flag, too: VM_DONTEXPAND, VM_DONTCOPY;
                       may be given more than once
  --show CELL          print the test of a cell: IM/shared/fast
  --format text|json|markdown

With a TREE: the flags that each of its mmap handlers ends with, its own
and those of its helpers, by combination, the odd ones first with the
reason, and who checks the length, which vm_ops, what revokes.

  --policy dma-buf-mmap=pfnmap  which dma-bufs are not mapped VM_PFNMAP
  --git REPOSITORY     TREE is a revision of it

Exit codes: 0, or 2 when it could not run.`,
  run,
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      kernel: { type: 'string', default: kernels.at(-1)! },
      diff: { type: 'string' },
      insert: { type: 'string' },
      add: { type: 'string', multiple: true, default: [] },
      show: { type: 'string' },
      format: { type: 'string', default: 'text' },
      policy: { type: 'string', multiple: true, default: [] },
      git: { type: 'string' },
    },
  })
  const [tree, second_] = positionals
  if (second_ !== undefined) throw new UsageError(`one tree at a time; '${second_}' is a second one`)
  if (tree !== undefined)
    return flagsOfTree(tree, { policies: values.policy, format: values.format, git: values.git }, io)
  for (const v of [values.kernel, values.diff])
    if (v !== undefined && !isVersion(v))
      throw new UsageError(
        `kernel ${v} is not modelled`,
        `one of ${kernels.join(', ')}, or a release between`,
      )
  const insert = insertions.find((i) => i === values.insert)
  if (values.insert !== undefined && insert === undefined)
    throw new UsageError(`there is no '${values.insert}'`, `one of ${insertions.join(', ')}`)
  for (const f of values.add)
    if (f !== 'VM_DONTEXPAND' && f !== 'VM_DONTCOPY')
      throw new UsageError(`${f} cannot be added`, 'VM_DONTEXPAND or VM_DONTCOPY')
  const format = (['text', 'json', 'markdown'] as const).find((f) => f === values.format)
  if (format === undefined)
    throw new UsageError(`there is no format '${values.format}'`, 'text, json or markdown')
  const ask = (kernel: string): Asked => ({ kernel, policies: {}, also: values.add, insert })
  if (values.show !== undefined) {
    for (const shape of shapesOf(ask(values.kernel)))
      for (const q of questions)
        if (cellName(shape, q.name) === values.show) {
          io.out(testOf(shape, q, values.kernel))
          return exit.ok
        }
    throw new UsageError(
      `there is no cell '${values.show}'`,
      'a combination, shared or private, a question: IM/shared/fast',
    )
  }
  const table = (kernel: string) => ({
    kernel,
    cells: tableOf(ask(kernel)),
    questions,
    confirmed: values.add.length === 0 && insert === undefined ? confirmedBy(kernel) : new Set<string>(),
  })
  const first = table(values.kernel)
  const second = values.diff === undefined ? undefined : table(values.diff)
  if (format === 'json') {
    const plain = (t: ReturnType<typeof table>) => ({
      kernel: t.kernel,
      cells: t.cells.map((c) => {
        const cell = cellName(c.shape, c.question)
        return {
          cell,
          flags: c.shape.letters,
          share: c.shape.share,
          insert: c.shape.insert,
          question: c.question,
          answer: c.answer,
          broken: c.broken,
          confirmed: t.confirmed.has(cell),
          show: `tenure flags --kernel ${t.kernel} --show ${cell}`,
        }
      }),
    })
    io.out(
      `${JSON.stringify({ schema: 1, tool: { name: 'tenure', version }, tables: [first, ...(second ? [second] : [])].map(plain) }, null, 1)}\n`,
    )
  } else if (second !== undefined) io.out(`${renderFlagsDiff(first, second)}\n`)
  else io.out(`${format === 'markdown' ? markdownFlags(first) : renderFlags(first)}\n`)
  return exit.ok
}
