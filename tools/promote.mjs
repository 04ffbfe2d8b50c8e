// Writes what tests compare with and people review in a diff: the counts of the corpus, and the parts of docs that are made.
import { readFileSync, writeFileSync } from 'node:fs'
import { coverageParts } from '../dist/test/coverage.js'
import { corpusCounts } from '../dist/test/corpus-counts.js'
import { pictures } from '../dist/test/pictures.js'
import {
  docsParts,
  guides,
  modelParts,
  promiseParts,
  withConsole,
  withParts,
} from '../dist/test/docs-parts.js'

writeFileSync('litmus/expected.json', `${JSON.stringify(corpusCounts(), null, 2)}\n`)
writeFileSync('docs/litmus.md', withParts(readFileSync('docs/litmus.md', 'utf8'), docsParts()))
writeFileSync('docs/model.md', withParts(readFileSync('docs/model.md', 'utf8'), modelParts()))
writeFileSync('docs/coverage.md', withParts(readFileSync('docs/coverage.md', 'utf8'), coverageParts()))
writeFileSync('docs/promises.md', withParts(readFileSync('docs/promises.md', 'utf8'), promiseParts()))
for (const file of guides) writeFileSync(file, await withConsole(readFileSync(file, 'utf8')))
for (const [file, svg] of await pictures()) writeFileSync(file, svg)
console.log(
  'litmus/expected.json, the parts of docs/ that are made and its pictures are written: read their diff',
)
