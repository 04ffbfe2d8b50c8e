import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Search } from './search.ts'

const found = (words: string[], text: string): string[] => new Search(words).in(Buffer.from(text, 'latin1'))

test('words are found whole, at either end of the text, and where one begins another', () => {
  const words = ['get_page', 'get_pages', 'pin_page']
  assert.deepEqual(found(words, 'get_page'), ['get_page'])
  assert.deepEqual(found(words, 'x = get_pages(1); /* pin_page */'), ['get_pages', 'pin_page'])
  assert.deepEqual(found(words, 'get_page_(); _pin_page; 0get_page; get_page$ get_pag'), [])
  assert.deepEqual(found(words, 'get_page_get_page pin_page_fast+get_page'), ['get_page'])
  assert.deepEqual(found(words, '\u00e9get_page\u00e9'), ['get_page'])
  assert.deepEqual(found(words, ''), [])
})

test('every text is searched as a regular expression would', () => {
  const letters = (...of: string[]) => fc.array(fc.constantFrom(...of), { maxLength: 60 })
  const word = letters('a', 'b', '_')
    .map((l) => l.join(''))
    .filter((w) => w.length >= 2)
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { minLength: 1, maxLength: 5 }),
      fc.array(letters('a', 'b', '_', ' ', '\u00e9')),
      (words, parts) => {
        // Some of the words themselves, so that there is something to find.
        const text = parts.map((p, i) => p.join('') + (words[i] ?? '')).join('')
        const whole = (w: string): RegExp => new RegExp(`(?<![\\w$])${w}(?![\\w$])`)
        assert.deepEqual(
          found(words, text),
          words.filter((w) => whole(w).test(text)),
        )
      },
    ),
    { numRuns: 500 },
  )
})
