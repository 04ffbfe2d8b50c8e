import type { Span } from './source.ts'

/** A place and what is to be said of it. */
export type Label = { readonly span: Span; readonly text: string }

/** What to do; `replacement` is the text that could stand at the primary span instead. */
export type Hint = { readonly text: string; readonly replacement?: string }

/**
 * What is wrong (`message`, one sentence), where, why it matters (`notes`) and what to do (`hints`).
 * Codes are path-like and stable (`litmus/unknown-op`); `tenure explain CODE` prints their page where there is one.
 */
export type Diagnostic = {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  readonly message: string
  readonly primary?: Label
  readonly secondary?: readonly Label[]
  readonly notes?: readonly string[]
  readonly hints?: readonly Hint[]
}

/** The value as far as it could be made, and everything that is to be said about how. */
export type Outcome<T> = { readonly value?: T; readonly diagnostics: readonly Diagnostic[] }

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((d) => d.severity === 'error')
