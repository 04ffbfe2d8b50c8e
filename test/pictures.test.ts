import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pictures } from './pictures.ts'

for (const [file, svg] of await pictures())
  test(`${file} is what the run looks like now; if it should change, npm run promote`, () => {
    assert.equal(readFileSync(file, 'utf8'), svg)
  })
