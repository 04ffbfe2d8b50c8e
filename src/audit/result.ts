/**
 * The result of an audit, and the shape of its JSON (`--format json`, schema version below; docs/audit-json.md).
 * Plain data, stable from run to run. Paths are relative to the tree, with `/`.
 */
export const auditSchemaVersion = 1

export type AuditResult = {
  readonly schema: typeof auditSchemaVersion
  readonly tool: { readonly name: 'tenure'; readonly version: string }
  readonly tree: {
    readonly path: string
    readonly kernel: string
    readonly kernelFrom: 'Makefile' | 'option' | 'default'
  }
  readonly protocols: readonly string[]
  readonly summary: {
    readonly filesSeen: number
    readonly filesParsed: number
    readonly functions: number
    /** Functions that were gone into, and those of them that were understood to the end. */
    readonly functionsRead: number
    readonly functionsUnderstood: number
    /** Functions that could not be understood, by reason. */
    readonly skipped: Readonly<Record<string, number>>
    readonly sites: number
    readonly holds: number
    readonly broken: number
    readonly unknown: number
    /** How often each reason for `unknown`. */
    readonly unknownReasons: Readonly<Record<string, number>>
  }
  /** In order of file, line, column. */
  readonly sites: readonly Site[]
  /** Files and functions that could not be read or understood. */
  readonly problems: readonly { readonly file: string; readonly line?: number; readonly message: string }[]
}

export type Verdict = 'holds' | 'broken' | 'unknown'

export type Site = {
  /** Kind, file, function, call and which of these calls: the same after edits elsewhere. Every site of a result has it. */
  readonly id?: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly function: string
  /** The function called, as the tree spells it. */
  readonly api: string
  /** `pfn-lookup`, `page-pin`, … (finding classes). */
  readonly kind: string
  readonly flags: readonly string[]
  /** What protects the value at its uses, in words: `mmap_lock, page-table lock`. */
  readonly guard: string
  readonly hold: 'synchronous' | 'transient' | 'longterm'
  /** Where the value goes, hop by hop, each with its place. */
  readonly escapes: readonly Hop[]
  readonly verdict: Verdict
  readonly classes: readonly string[]
  /** The documented contract under which it holds, when it holds by contract. */
  readonly contract?: string
  /** Of a mapping: it is finished by somebody else, who is a site himself, and ends with the flags that he sets. */
  readonly handsOn?: true
  /** Why it is unknown. */
  readonly reason?: string
  /** Broken as it was before: it is in the baseline, or in the tree that is compared with. */
  readonly known?: true
  /** One sentence: what the code does and why that holds or breaks. */
  readonly summary: string
  /** The lifted test that gave the verdict (printed form), and what the checker said. */
  readonly litmus?: {
    readonly name: string
    readonly text: string
    readonly states: number
    readonly complete: boolean
  }
  /** Paste it and see it decided again: with its test, where there is one. */
  readonly replay?: string
  readonly witness?: Witness
  readonly repair?: Repair
  /** The repairs that were tried where none was enough. */
  readonly tried?: Repair['tried']
}

export type Hop = { readonly file: string; readonly line: number; readonly text: string }

/** A shortest run that breaks an invariant. */
export type Witness = {
  readonly invariant: string
  readonly promise: string
  readonly detail: string
  readonly actors: readonly { readonly name: string; readonly context: string; readonly role: string }[]
  /** How the pages stand at first, in one line. */
  readonly pages: string
  readonly steps: readonly WitnessStep[]
  /** Paste it and see the same run. */
  readonly replay: string
}

export type WitnessStep = {
  readonly actor: number
  readonly step: string
  readonly statement?: string
  readonly place?: string
  /** What the step changed, `page f0: refcount 1 -> 0`. */
  readonly changes: readonly string[]
  /** How the pages stand behind it. */
  readonly pages: string
}

export type Repair = {
  readonly name: string
  readonly text: string
  /** The checker's word on the repaired test: every candidate shown holds, explored to the end. */
  readonly states: number
  readonly litmus: string
  /** Candidates that were tried and do not hold, with the invariant that still breaks. */
  readonly tried: readonly { readonly name: string; readonly breaks: string }[]
  /** The repair as changes to the text, where it is no more than that. */
  readonly edits?: readonly Edit[]
}

/** Columns count from 1; what is from `column` up to `endColumn` is replaced. */
export type Edit = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endColumn: number
  readonly text: string
}
