import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Table } from '../table.ts'
import { caseOf, decide, type Known, learn, sign, signOf } from './facts.ts'
import { number, type Sym } from './symbols.ts'

const nothingKnown = (): Known<Sym> => ({
  signs: new Table<number>(String),
  facts: new Table<boolean>(String),
  surely: () => undefined,
})
const ret: Sym = { sym: 'ret' }
const nr: Sym = { sym: 'nr' }

test('an error is negative, and so is not what was asked for', () => {
  const k = nothingKnown()
  assert.equal(decide('<', ret, number(0), k), undefined)
  assert.ok(learn('<', ret, number(0), true, k))
  assert.equal(signOf(ret, k), sign.minus)
  assert.equal(decide('==', ret, number(0), k), false)
  assert.equal(decide('>=', ret, number(0), k), false)
  assert.equal(learn('>', ret, number(0), true, k), false)
})

test('what a comparison said once it says again, however it is written', () => {
  const k = nothingKnown()
  assert.ok(learn('!=', ret, nr, true, k))
  assert.equal(decide('==', nr, ret, k), false)
  assert.equal(decide('<', ret, nr, k), undefined)
  assert.ok(learn('<', ret, nr, false, k))
  assert.equal(decide('>=', ret, nr, k), true)
})

test('a value that is one constant is no other', () => {
  const k = nothingKnown()
  assert.ok(learn('==', ret, { sym: 'RED' }, true, k))
  assert.equal(decide('==', ret, { sym: 'GREEN' }, k), false)
  assert.equal(caseOf(ret, { sym: 'GREEN' }, true, k), false)
  assert.equal(caseOf(ret, { sym: 'GREEN' }, false, k), true)
})
