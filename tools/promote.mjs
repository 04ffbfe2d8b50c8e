// Writes what tests compare with and people review in a diff: the counts of the corpus, and the parts of docs that are made.
import { readFileSync, writeFileSync } from 'node:fs'
import { corpusCounts } from '../dist/test/corpus-counts.js'
import { docsParts, withParts } from '../dist/test/docs-parts.js'

writeFileSync('litmus/expected.json', `${JSON.stringify(corpusCounts(), null, 2)}\n`)
writeFileSync('docs/litmus.md', withParts(readFileSync('docs/litmus.md', 'utf8'), docsParts()))
console.log('litmus/expected.json and docs/litmus.md are written: read their diff')
