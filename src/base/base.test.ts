import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source, suggest } from './index.ts'

test('a position is a line and a column, also on the last line and past the end', () => {
  const s = new Source('t', 'ab\n\ncd')
  assert.deepEqual(s.position(0), { line: 1, column: 1 })
  assert.deepEqual(s.position(2), { line: 1, column: 3 })
  assert.deepEqual(s.position(3), { line: 2, column: 1 })
  assert.deepEqual(s.position(5), { line: 3, column: 2 })
  assert.deepEqual(s.position(99), { line: 3, column: 3 })
})

test('a line is given without its end, and a missing one is empty', () => {
  const s = new Source('t', 'ab\r\ncd')
  assert.equal(s.line(1), 'ab')
  assert.equal(s.line(2), 'cd')
  assert.equal(s.line(3), '')
})

test('a misspelt word suggests its neighbours, a far one nothing', () => {
  const ops = ['follow_pfn', 'follow_pte', 'munmap', 'mmap']
  assert.deepEqual(suggest('folow_pfn', ops), ['follow_pfn', 'follow_pte'])
  assert.deepEqual(suggest('mumnap', ops), ['munmap', 'mmap'])
  assert.deepEqual(suggest('dma_write', ops), [])
})
