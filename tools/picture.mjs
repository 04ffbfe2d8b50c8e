// node tools/picture.mjs TEST.litmus KERNEL OUT.svg [PREFIX]: the witness of a test's first broken invariant as a picture, at its last step.
// PREFIX goes before each file name of a lifted test.
import { readFileSync, writeFileSync } from 'node:fs'
import { Source } from '../dist/src/base/index.js'
import { parse, runLitmus } from '../dist/src/litmus/index.js'
import { exportSvg } from '../dist/src/report/picture/export.js'
import { sceneOf } from '../dist/src/report/picture/scene.js'

const [file, kernel, out, prefix = ''] = process.argv.slice(2)
const text = readFileSync(file, 'utf8').replaceAll(/\/\/ (\S+\.c:\d+)$/gm, `// ${prefix}$1`)
const { value } = runLitmus(parse(new Source(file, text)).value, { kernel, memory: true })
const broken = value.broken[0]
const scene = sceneOf(broken.witness, value.name, `kernel ${kernel}`, broken)
writeFileSync(out, exportSvg(scene, scene.steps.length))
