/** A proposal, or a choice of configuration, that a test can be run under. */
export type Policy = {
  readonly name: string
  readonly says: string
  /** Its values, and what each means. */
  readonly values: Readonly<Record<string, string>>
  readonly default: string
  /** Why a kernel could not have had it with this value; undefined when it could. */
  readonly unavailable?: (version: string, value: string) => string | undefined
}
