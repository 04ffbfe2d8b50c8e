import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { WhatIf } from '../src/audit/index.ts'
import { run } from '../src/cli/cli.ts'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

async function tenure(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await run(['audit', '--kernel', '5.10', '--what-if', ...argv, examples], {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return { code, out, err }
}
const asked = async (...argv: string[]): Promise<Map<string, string>> => {
  const w = JSON.parse((await tenure('--format', 'json', ...argv)).out) as WhatIf
  assert.equal(
    Object.values(w.summary).reduce((a, b) => a + b),
    w.sites.length,
  )
  return new Map(w.sites.map((s) => [`${s.today.file} ${s.today.api}`, s.fate]))
}

test('with follow_pfn() refused its callers break, those of other calls stay as they are', async () => {
  const fate = await asked('--policy', 'follow_pfn=strict')
  for (const [site, is] of fate) assert.equal(is === 'breaks', site.endsWith(' follow_pfn'), `${site} ${is}`)
  assert.equal(fate.get('camera_dma_address.c follow_pfn'), 'breaks')
  assert.equal(fate.get('window_copy_after_unlock.c follow_pte'), 'unsafe')
  assert.equal(fate.get('window_copy_before_unlock.c follow_pte'), 'fine')
  assert.equal(fate.get('relay_unseen.c follow_pfnmap_start'), 'open')
})

test('with FOLL_LONGTERM required the pin without it is mended, and nothing breaks', async () => {
  const fate = await asked('--policy', 'longterm=required')
  assert.equal(fate.get('camera_long_term_pin.c get_vaddr_frames'), 'mended')
  assert.equal(fate.get('camera_dma_address.c follow_pfn'), 'unsafe')
  assert.ok(![...fate.values()].some((f) => f === 'breaks' || f === 'newly-unsafe'))
})

test('with dma-bufs mapped VM_PFNMAP only, the exporter that inserts pages breaks', async () => {
  const fate = await asked('--policy', 'dma-buf-mmap=pfnmap', '--protocol', 'map-out')
  assert.equal(fate.get('export_pages_mapped.c vm_insert_page'), 'breaks')
  assert.deepEqual(
    [...fate].flatMap(([site, is]) => (is === 'breaks' ? [site] : [])),
    ['export_pages_mapped.c vm_insert_page'],
  )
  assert.ok([...fate].some(([site, is]) => site.startsWith('frames_dispatched.c') && is === 'fine'))
})

test('the text counts what it lists; without a policy there is nothing to ask', async () => {
  const { out, code } = await tenure('--policy', 'follow_pfn=strict')
  assert.equal(code, 1)
  const [, n] = /^Breaks: works today, and never with it \((\d+)\):$/m.exec(out)!
  assert.match(out, new RegExp(`: ${n} would break,`))
  const none = await tenure()
  assert.equal(none.code, 2)
  assert.match(none.err, /what if what\?/)
})
