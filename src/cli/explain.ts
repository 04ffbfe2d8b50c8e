import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suggest } from '../base/index.ts'
import { type Command, exit, UsageError } from './io.ts'

/** The package's root, seen from dist/src/cli/. */
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Folders whose pages `explain` prints; a page's name is its code. */
const shelves = [
  'src/kernel/invariants',
  'src/kernel/ops',
  'src/kernel/policies',
  'src/audit/classes',
  'src/audit/protocols',
]

/** Every page that there is, by code. An invariant's page comes before an operation's of the same name. */
export function pages(): Map<string, string> {
  const found = new Map<string, string>()
  for (const shelf of shelves) {
    let files: string[]
    try {
      files = readdirSync(join(root, shelf))
    } catch {
      continue
    }
    for (const file of files.filter((f) => f.endsWith('.md')).sort()) {
      const code = basename(file, '.md')
      for (const name of [code, code.replaceAll('_', '-')])
        if (!found.has(name)) found.set(name, join(root, shelf, file))
    }
  }
  return found
}

export const explain: Command = {
  name: 'explain',
  summary: 'what a finding, an invariant or an operation means',
  usage: `
usage: tenure explain CODE
       tenure explain            lists the codes

CODE is what stands in brackets in a report, as in error[pfn-outlives-lock],
an invariant (use-after-free), an operation (follow_pfn) or a policy.`,
  run(argv, io) {
    const all = pages()
    const [code, ...more] = argv
    if (code === undefined) {
      for (const name of [...all.keys()].sort()) io.out(`${name}\n`)
      return Promise.resolve(exit.ok)
    }
    if (more.length > 0) throw new UsageError(`one code at a time; '${more[0]}' is a second one`)
    const page = all.get(code)
    if (page === undefined) {
      const near = suggest(code, all.keys())
      throw new UsageError(
        `nothing is known of '${code}'`,
        near.length > 0 ? `did you mean '${near.join("' or '")}'?` : `'tenure explain' lists the codes`,
      )
    }
    io.out(readFileSync(page, 'utf8'))
    return Promise.resolve(exit.ok)
  },
}
