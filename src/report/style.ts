/** How a report is coloured: not at all in a pipe or an e-mail, by ANSI sequences on a terminal. */
export type Style = {
  readonly bold: Paint
  readonly dim: Paint
  readonly bad: Paint
  readonly good: Paint
  readonly warn: Paint
  readonly frame: Paint
}
type Paint = (text: string) => string

const same: Paint = (text) => text
const sgr =
  (on: number, off: number): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`

export const plain: Style = { bold: same, dim: same, bad: same, good: same, warn: same, frame: same }
export const ansi: Style = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  bad: sgr(31, 39),
  good: sgr(32, 39),
  warn: sgr(33, 39),
  frame: sgr(34, 39),
}

/** Reports fit an e-mail. */
export const columns = 72

/** Breaks text at spaces so that no line is longer than `width`, unless a word is. Line ends in the text stay. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(/ +/).filter((w) => w !== '')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line]
  })
}

/** Wrapped, the first line behind `first`, the others behind as many spaces. */
export function hang(first: string, text: string, width = columns): string[] {
  return wrap(text, width - first.length).map((l, i) => (i === 0 ? first : ' '.repeat(first.length)) + l)
}
