export { Bug, unreachable } from './bug.ts'
export { type Diagnostic, hasErrors, type Hint, type Label, type Outcome } from './diagnostic.ts'
export { Source, type Span, span } from './source.ts'
export { suggest } from './suggest.ts'
