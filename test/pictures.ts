import { readFileSync } from 'node:fs'
import { Source } from '../src/base/index.ts'
import { parse, runLitmus } from '../src/litmus/index.ts'
import { exportSvg } from '../src/report/picture/export.ts'
import { type Element, h, write } from '../src/report/picture/markup.ts'
import { sceneOf } from '../src/report/picture/scene.ts'
import { mono } from '../src/report/picture/style.ts'
import { columns } from '../src/report/style.ts'
import { said } from './docs-parts.ts'

/** The pictures in docs: runs that break a test of the corpus, as the playground saves them, and a report on a terminal. By file, `promote` writes them. */
export async function pictures(): Promise<Map<string, string>> {
  return new Map([
    ['docs/pictures/finding.svg', picture('litmus/vfio/type1+lifted.litmus', '6.12')],
    [
      'docs/pictures/use-after-free.svg',
      picture('litmus/pfn-lookup/follow_pfn+unlock+dma+bo_move.litmus', '5.9'),
    ],
    [
      'docs/pictures/report.svg',
      terminal(
        '$ tenure audit examples/grabber_unlock_first.c',
        await said(['audit', 'examples/grabber_unlock_first.c'], true),
      ),
    ],
  ])
}

/** What a terminal shows, as a picture: its colours, on a dark ground. */
function terminal(command: string, text: string): string {
  const colours: Readonly<Record<string, string>> = {
    '31': '#ff9085',
    '32': '#7fd39c',
    '33': '#f0c163',
    '34': '#7cc0ee',
  }
  const [char, line, pad] = [7.23, 17, 14]
  const sequence = new RegExp(`${String.fromCodePoint(27)}\\[(\\d+)m`)
  let bold = false
  let dim = false
  let colour: string | undefined
  const lines = `\u001b[1m${command}\u001b[22m\n${text.trimEnd()}`.split('\n').map((l, i) => {
    const spans: (Element | string)[] = []
    // Text and sequences by turns.
    for (const [j, piece] of l.split(sequence).entries())
      if (j % 2 === 0) {
        if (piece !== '')
          spans.push(
            h(
              'tspan',
              { fill: colour ?? (dim ? '#a0a8b0' : undefined), 'font-weight': bold ? 700 : undefined },
              piece,
            ),
          )
      } else if (piece === '1') bold = true
      else if (piece === '2') dim = true
      else if (piece === '22') bold = dim = false
      else colour = colours[piece]
    return h('text', { x: pad, y: pad + 13 + i * line, 'xml:space': 'preserve' }, spans)
  })
  const width = Math.ceil(2 * pad + columns * char)
  const height = 2 * pad + lines.length * line
  return `${write(
    h(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        viewBox: `0 0 ${width} ${height}`,
        width,
        height,
        role: 'img',
        'aria-label': command,
        'font-family': mono,
        'font-size': 12,
        fill: '#e8e6e1',
      },
      h('rect', { width, height, rx: 8, fill: '#14171a' }),
      lines,
    ),
  )}\n`
}

function picture(file: string, kernel: string): string {
  const test = parse(new Source(file, readFileSync(file, 'utf8'))).value!
  const result = runLitmus(test, { kernel, memory: true }).value!
  const { code, promise, detail, witness } = result.broken[0]!
  return exportSvg(
    sceneOf(witness, test.name, `Linux ${kernel}`, { code, promise, detail }),
    witness.steps.length,
  )
}
