/*
 * Ways to break the model on purpose, applied to its compiled code line by line. Each mutant changes one line.
 */

export type Mutant = {
  /** The compiled file, and the line that is changed, from 1. */
  readonly file: string
  readonly line: number
  readonly what: 'skip' | 'drop' | 'yes' | 'no'
  /** The line as it was. */
  readonly was: string
  /** The file with the change. */
  readonly text: string
}

export const kinds: Readonly<Record<Mutant['what'], string>> = {
  skip: 'a check never says yes: what it would refuse, retry or lock out goes on',
  drop: 'a statement is left out: a lock, a flush, a count, a flag, a report',
  yes: 'every kernel has the change',
  no: 'no kernel has the change',
}

/** Every mutant of a compiled file. */
export function* mutantsOf(file: string, text: string): Generator<Mutant> {
  const lines = text.split('\n')
  const put = (at: number, what: Mutant['what'], now: string): Mutant => ({
    file,
    line: at + 1,
    what,
    was: lines[at]!.trim(),
    text: [...lines.slice(0, at), now, ...lines.slice(at + 1)].join('\n'),
  })
  for (const [at, line] of lines.entries()) {
    const check = /^(\s*)if \((.+)\)( \{)?$/.exec(line)
    if (check && balanced(check[2]!)) yield put(at, 'skip', `${check[1]}if (false)${check[3] ?? ''}`)
    else if (dropped.test(line) && !kept.test(line) && balanced(line)) yield put(at, 'drop', ';')
    for (const { 0: asked, index } of line.matchAll(/k\.has\('[\w-]+'\)/g))
      for (const [what, answer] of [
        ['yes', 'true'],
        ['no', 'false'],
      ] as const)
        yield put(at, what, line.slice(0, index) + answer + line.slice(index + asked.length))
  }
}

/** A whole statement on one line: a call, or an assignment to a cell of a row. */
const dropped = /^\s+(?:[\w.]+\(.*\)|[\w.!()]+\.\w+ (?:=|\+=|-=|\|=) .+|\w+\(.*\)\.\w+ (?:=|\+=|-=) .+);$/
/** Not of the model: errors of ours, lists that a step makes, and where the model ends. */
const kept = /^\s*(?:return|throw|const|let|case|super)\b|\.push\(|scratch|model-bound/

function balanced(text: string): boolean {
  let depth = 0
  for (const c of text) {
    if (c === '(') depth++
    else if (c === ')') depth--
    if (depth < 0) return false
  }
  return depth === 0
}
