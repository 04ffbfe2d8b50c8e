/** What a command may touch of the outside world. Tests pass their own. */
export type Io = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Colours and progress only where a person looks. */
  readonly outIsTerminal: boolean
  readonly errIsTerminal: boolean
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** Exit codes of every command. */
export const exit = { ok: 0, found: 1, failed: 2, interrupted: 130 } as const

/** A command: what `tenure help` says of it, and what it does. The promise gives the exit code. */
export type Command = {
  readonly name: string
  readonly summary: string
  readonly usage: string
  run(argv: readonly string[], io: Io): Promise<number>
}

/** A mistake in the command line or its files: printed as it is, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
  readonly hint: string | undefined
  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}
