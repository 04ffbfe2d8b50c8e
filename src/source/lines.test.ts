import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { diffLines, linesOf } from './lines.ts'

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 14 })
  .map((lines) => lines.map((l) => `${l}\n`).join(''))

test('the hunks of a difference turn one text into the other', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const out = linesOf(before)
      for (const h of diffLines(before, after).reverse()) {
        assert.deepEqual(out.slice(h.oldStart - 1, h.oldStart - 1 + h.oldLines.length), h.oldLines)
        assert.deepEqual(linesOf(after).slice(h.newStart - 1, h.newStart - 1 + h.newLines.length), h.newLines)
        out.splice(h.oldStart - 1, h.oldLines.length, ...h.newLines)
      }
      assert.deepEqual(out, linesOf(after))
    }),
  )
})

test('no more lines change than have to', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const changed = diffLines(before, after).reduce((n, h) => n + h.oldLines.length + h.newLines.length, 0)
      assert.equal(changed, leastChanged(linesOf(before), linesOf(after)))
    }),
  )
})

/** By the table of all prefixes. */
function leastChanged(a: readonly string[], b: readonly string[]): number {
  let row = b.map((_, j) => j)
  row.push(b.length)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(a[i - 1] === b[j - 1] ? row[j - 1]! : 1 + Math.min(row[j]!, next[j - 1]!))
    row = next
  }
  return row[b.length]!
}

test('texts without a line in common are one hunk', () => {
  const many = (word: string): string => Array.from({ length: 9000 }, (_, i) => `${word}${i}\n`).join('')
  const hunks = diffLines(many('a'), many('b'))
  assert.equal(hunks.length, 1)
  assert.equal(hunks[0]!.oldLines.length, 9000)
})
