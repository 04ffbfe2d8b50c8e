import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shrink } from './shrink.ts'

test('what is left over is what is needed, in its order', async () => {
  const list = Array.from({ length: 100 }, (_, i) => i)
  const needs = (part: readonly number[]) => part.includes(3) && part.includes(50) && part.includes(97)
  assert.deepEqual(await shrink(list, (part) => Promise.resolve(needs(part))), [3, 50, 97])
})

test('nothing is taken out of a list of which all is needed', async () => {
  assert.deepEqual(await shrink([1, 2, 3], (part) => Promise.resolve(part.length === 3)), [1, 2, 3])
})

test('the result always fails, and nothing more can be taken out of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(40), { maxLength: 40 }), fc.nat(4), async (list, n) => {
      const needed = list.slice(0, n)
      const fails = (part: readonly number[]) => Promise.resolve(needed.every((x) => part.includes(x)))
      assert.deepEqual(await shrink(list, fails, 10_000), needed)
    }),
  )
})

test('it stops when it has tried often enough, with something that fails', async () => {
  let tries = 0
  const left = await shrink([1, 2, 3, 4, 5, 6, 7, 8], () => Promise.resolve(++tries > 0 && false), 3)
  assert.equal(tries, 3)
  assert.equal(left.length, 8)
})
