/** A piece of text with a name, and places in it. Offsets are UTF-16 code units; lines and columns are 1-based. */
export class Source {
  readonly name: string
  readonly text: string
  #lineStarts: number[] | undefined

  constructor(name: string, text: string) {
    this.name = name
    this.text = text
  }

  get lineStarts(): readonly number[] {
    if (this.#lineStarts === undefined) {
      const starts = [0]
      for (let i = this.text.indexOf('\n'); i >= 0; i = this.text.indexOf('\n', i + 1)) starts.push(i + 1)
      this.#lineStarts = starts
    }
    return this.#lineStarts
  }

  /** The line and column of an offset; an offset past the end is the end. */
  position(offset: number): { line: number; column: number } {
    const starts = this.lineStarts
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const mid = (low + high + 1) >> 1
      if (starts[mid]! <= offset) low = mid
      else high = mid - 1
    }
    return { line: low + 1, column: Math.min(offset, this.text.length) - starts[low]! + 1 }
  }

  /** The text of a line, without its end. Line numbers are 1-based; a line that is not there is empty. */
  line(number: number): string {
    const start = this.lineStarts[number - 1]
    if (start === undefined) return ''
    const end = this.text.indexOf('\n', start)
    return this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '')
  }
}

/** A half-open range of offsets in a source. */
export type Span = { readonly source: Source; readonly start: number; readonly end: number }

export const span = (source: Source, start: number, end: number): Span => ({ source, start, end })
