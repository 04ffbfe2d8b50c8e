#!/usr/bin/env node
import { Bug } from '../base/index.ts'
import { run } from './cli.ts'
import { exit, type Io } from './io.ts'

const abort = new AbortController()
const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  outIsTerminal: Boolean(process.stdout.isTTY),
  errIsTerminal: Boolean(process.stderr.isTTY),
  signal: abort.signal,
}

// The first Ctrl-C asks everything to clean up and go; if that takes longer than a moment, or on the second, we go at once.
const interrupt = () => {
  if (abort.signal.aborted) process.exit(exit.interrupted)
  abort.abort()
  setTimeout(() => process.exit(exit.interrupted), 300).unref()
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
// A reader that went away (`tenure … | head`) is no error of ours.
process.stdout.on('error', (e: NodeJS.ErrnoException) =>
  process.exit(e.code === 'EPIPE' ? exit.ok : exit.failed),
)

try {
  process.exitCode = await run(process.argv.slice(2), io)
} catch (e) {
  if (abort.signal.aborted) process.exitCode = exit.interrupted
  else {
    const error = e instanceof Error ? e : new Error(String(e))
    io.err(`tenure: ${error instanceof Bug ? 'a mistake of ours' : 'failed'}: ${error.message}\n`)
    if (process.env['TENURE_DEBUG'] || error instanceof Bug) io.err(`${error.stack ?? ''}\n`)
    io.err(`replay: tenure ${process.argv.slice(2).join(' ')}\n`)
    process.exitCode = exit.failed
  }
}
