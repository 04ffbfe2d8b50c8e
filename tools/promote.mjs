// Writes what tests compare with and people review in a diff: the counts of the corpus, and the parts of docs that are made.
import { readFileSync, writeFileSync } from 'node:fs'
import { corpusCounts } from '../dist/test/corpus-counts.js'
import { docsParts, modelParts, withParts } from '../dist/test/docs-parts.js'

writeFileSync('litmus/expected.json', `${JSON.stringify(corpusCounts(), null, 2)}\n`)
writeFileSync('docs/litmus.md', withParts(readFileSync('docs/litmus.md', 'utf8'), docsParts()))
writeFileSync('docs/model.md', withParts(readFileSync('docs/model.md', 'utf8'), modelParts()))
console.log('litmus/expected.json, docs/litmus.md and docs/model.md are written: read their diff')
