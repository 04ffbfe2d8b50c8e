import { readFileSync } from 'node:fs'
import { Source } from '../src/base/index.ts'
import { parse, runLitmus } from '../src/litmus/index.ts'
import { exportSvg } from '../src/report/picture/export.ts'
import { sceneOf } from '../src/report/picture/scene.ts'

/** The pictures in docs: the run that breaks a test of the corpus, as the playground saves it. By file, `promote` writes them. */
export function pictures(): Map<string, string> {
  return new Map([
    [
      'docs/pictures/use-after-free.svg',
      picture('litmus/pfn-lookup/follow_pfn+unlock+dma+bo_move.litmus', '5.9'),
    ],
  ])
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
