import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Source } from '../base/index.ts'
import { bind, parse } from '../litmus/index.ts'
import type { Op } from './protocol.ts'
import { type Race, translate } from './translate.ts'

function translated(body: string, declarations = '', version = '6.1'): Race | string {
  const text = `C t

{
	mm A;
	A:p = mmap(NULL, 1 page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
	${declarations}
}

P0(mm A)
{
${body}
}

exists (0:r0=0)
`
  const { value, diagnostics } = parse(new Source('t.litmus', text))
  assert.deepEqual(diagnostics, [])
  const bound = bind(value!, version)
  assert.ok(bound.value, bound.diagnostics[0]?.message)
  return translate(bound.value)
}

const refusal = (body: string): string => {
  const r = translated(body)
  assert.ok(typeof r === 'string', 'it is not refused')
  return r
}

const race = (body: string, declarations?: string): Race => {
  const r = translated(body, declarations)
  assert.ok(typeof r !== 'string', 'it is refused')
  return r
}
const ops = (code: readonly Op[]) => code.map((o) => o.op)

test('what is mapped at first is mapped and written to', () => {
  const { setup } = race('\tr0 = *p;')
  assert.deepEqual(ops(setup), ['RESET', 'MMAP', 'STORE'])
})

test('several pages are one handle, which is released as a whole', () => {
  const pin = '\tr0 = pin_user_pages_fast(p, 2, FOLL_WRITE, pages);\n\tr1 = dma_read(pages[1]);\n'
  const [program] = race(`${pin}\tunpin_user_pages(pages, r0);`).programs
  assert.deepEqual(ops(program!.code).slice(0, 3), ['PIN_FAST', 'HANDLE_READ', 'UNPIN'])
  assert.deepEqual(program!.code[1]!.args.slice(0, 2), [program!.code[0]!.args[0], 1])
  assert.match(refusal(`${pin}\tunpin_user_pages(pages, 2);`), /another number of pages/)
  assert.match(refusal(`${pin}\tunpin_user_page(pages[0]);`), /one of several pages/)
})

test('a branch goes on behind what it skips, and what is computed is in a register', () => {
  const [program] = race('\tr0 = *p;\n\tif (r0 == 3)\n\t\tmunmap(p, 1);\n\t*p = 1;').programs
  const code = program!.code
  assert.deepEqual(ops(code).slice(0, 3), ['LOAD', 'SET', 'BRANCH'])
  const branch = code[2]!
  assert.equal(branch.registers, 1)
  assert.equal(code[branch.args[1]!]!.op, 'MUNMAP')
  assert.equal(code[branch.args[2]!]!.op, 'STORE')
})

test('each page has a handle of its own', () => {
  const two = `	r0 = pin_user_pages_fast(p, 1, FOLL_WRITE, &a);
	r1 = pin_user_pages_fast(p, 1, FOLL_WRITE, &b);
	unpin_user_page(b);
	unpin_user_page(a);`
  const [program] = race(two).programs
  assert.deepEqual(
    program!.code.map((o) => `${o.op} ${o.args[0]}`),
    ['PIN_FAST 0', 'PIN_FAST 1', 'UNPIN 1', 'UNPIN 0', 'STOP undefined'],
  )
})

test('what a process does by itself is refused where the mmap_lock is held, and not behind it', () => {
  const held = '\tmmap_read_lock();\n\tr0 = *p;\n\tmmap_read_unlock();'
  assert.equal(translated(held), 'it does with the mmap_lock held what processes do')
  assert.notEqual(typeof translated('\tmmap_read_lock();\n\tmmap_read_unlock();\n\tr0 = *p;'), 'string')
})

test('what the guest does not have is refused with its name', () => {
  assert.equal(translated('\tr0 = *p;', 'file F = ext4(1 page);'), 'files with a disk are not in the guest')
})

test('nobody traces in the guest, and in 7.2 only who traces may force', () => {
  const poke = '\tr0 = ptrace_poke(A, p, 1);'
  assert.notEqual(typeof translated(poke), 'string')
  assert.equal(translated(poke, '', '7.2'), 'nobody traces in the guest')
})

test('what is in a memory file at first is written through its descriptor, and what is read goes to a register', () => {
  const { setup, programs } = race('\tr0 = pread(F, 1, &value);', 'file F = memfd(2 pages, 5, 6);')
  const written = setup.filter((o) => o.op === 'PWRITE')
  assert.deepEqual(
    written.map((o) => o.args),
    [
      [0, 0, 5],
      [0, 1, 6],
    ],
  )
  const read = programs[0]!.code.find((o) => o.op === 'PREAD')!
  assert.deepEqual(read.args.slice(0, 2), [0, 1])
  assert.ok(read.args[2]! > 0)
})

test('FOLL_NOFAULT is refused where there is none', () => {
  const get = '\tmmap_read_lock();\n\tr0 = get_user_pages(p, 1, FOLL_NOFAULT, &page);\n\tmmap_read_unlock();'
  assert.deepEqual(ops(race(get).programs[0]!.code).slice(1, 2), ['GET'])
  assert.equal(translated(get, '', '5.10'), 'FOLL_NOFAULT is not in this kernel')
  assert.notEqual(typeof translated(get.replace('FOLL_NOFAULT', 'FOLL_WRITE'), '', '5.10'), 'string')
})
