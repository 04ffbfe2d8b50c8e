import { suggest } from '../base/index.ts'
import { commands } from './commands.ts'
import { exit, type Io, UsageError } from './io.ts'
import { version } from './version.ts'

/** Runs one command line; gives the exit code. Everything a user can get wrong is said here, nothing is thrown for it. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') return help(rest[0], io)
  if (name === '--version' || name === '-V') {
    io.out(`tenure ${version}\n`)
    return exit.ok
  }
  const command = commands.find((c) => c.name === name)
  if (command === undefined) {
    const near = suggest(
      name,
      commands.map((c) => c.name),
    )
    io.err(`tenure: there is no command '${name}'\n`)
    io.err(
      near.length > 0 ? `help: did you mean '${near[0]}'?\n` : `help: 'tenure help' lists the commands\n`,
    )
    return exit.failed
  }
  if (rest.includes('--help') || rest.includes('-h')) return help(name, io)
  try {
    return await command.run(rest, io)
  } catch (e) {
    const usage = asUsage(e)
    if (usage === undefined) throw e
    io.err(`tenure ${name}: ${usage.message}\n`)
    io.err(`help: ${usage.hint ?? `'tenure help ${name}' shows how it is called`}\n`)
    return exit.failed
  }
}

/** What node:util's parseArgs throws is the user's mistake as well. */
function asUsage(e: unknown): UsageError | undefined {
  if (e instanceof UsageError) return e
  if (e instanceof Error && 'code' in e && String(e.code).startsWith('ERR_PARSE_ARGS'))
    return new UsageError(e.message)
  return undefined
}

function help(name: string | undefined, io: Io): number {
  const command = commands.find((c) => c.name === name)
  if (command !== undefined) {
    io.out(`${command.usage.trim()}\n`)
    return exit.ok
  }
  if (name !== undefined) {
    io.err(`tenure: there is no command '${name}'\n`)
    return exit.failed
  }
  const width = Math.max(...commands.map((c) => c.name.length))
  io.out('tenure: who holds which page, for how long, and what breaks\n\n')
  for (const c of commands) io.out(`  tenure ${c.name.padEnd(width)}  ${c.summary}\n`)
  io.out(`\n'tenure help COMMAND' says more. Exit codes: 0 nothing broken, 1 findings,\n2 could not run.\n`)
  return exit.ok
}
