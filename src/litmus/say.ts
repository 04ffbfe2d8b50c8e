import { type Diagnostic, type Span, suggest } from '../base/index.ts'

/** Collects what is to be said of a test. Lifted tests have no spans: the same is said without a place. */
export class Say {
  readonly diagnostics: Diagnostic[] = []

  error(code: string, span: Span | undefined, message: string, ...help: string[]): undefined {
    this.#add('error', code, span, message, help)
    return undefined
  }

  warning(code: string, span: Span | undefined, message: string, ...help: string[]): void {
    this.#add('warning', code, span, message, help)
  }

  /** `help` for a word that means nothing: what it may have meant, or what there is when that is little. */
  static meant(word: string, candidates: Iterable<string>): string[] {
    const all = [...candidates]
    const near = suggest(word, all)
    if (near.length > 0) return [`did you mean ${near.map((n) => `\`${n}\``).join(' or ')}?`]
    return all.length > 0 && all.length <= 8 ? [`there is ${all.map((n) => `\`${n}\``).join(', ')}`] : []
  }

  #add(
    severity: 'error' | 'warning',
    code: string,
    span: Span | undefined,
    message: string,
    help: string[],
  ): void {
    this.diagnostics.push({
      code: `litmus/${code}`,
      severity,
      message,
      ...(span ? { primary: { span, text: '' } } : {}),
      ...(help.length > 0 ? { hints: help.map((text) => ({ text })) } : {}),
    })
  }
}
