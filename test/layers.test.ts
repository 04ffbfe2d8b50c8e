import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

/** Which layer may import which. Arrows point down: a layer that needs more has a type in the wrong place. */
const allowed: Record<string, readonly string[]> = {
  base: [],
  state: ['base'],
  check: ['base', 'state'],
  kernel: ['base', 'state'],
  litmus: ['base', 'state', 'kernel', 'check'],
  source: ['base'],
  audit: ['base', 'source', 'litmus', 'kernel'],
  conform: ['base', 'state', 'kernel', 'litmus', 'check'],
  flags: ['base', 'kernel', 'litmus'],
  report: ['base', 'state', 'check', 'litmus', 'audit', 'conform', 'flags'],
  cli: ['base', 'state', 'check', 'kernel', 'litmus', 'source', 'audit', 'conform', 'flags', 'report'],
}

/** What each layer may use of node and npm. The layers that also run in a page use nothing. */
const outside: Record<string, RegExp> = {
  base: /^$/,
  state: /^$/,
  check: /^$/,
  kernel: /^$/,
  litmus: /^$/,
  flags: /^$/,
  report: /^$/,
  source: /^(node:|tar-stream$)/,
  audit: /^node:crypto$/,
  conform: /^node:/,
  cli: /^node:/,
}

const walk = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? walk(join(dir, e.name)) : e.name.endsWith('.ts') ? [join(dir, e.name)] : [],
  )

const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('/testing')

/** `report` renders results: from the layers below it takes types only. */
const typesOnly = new Set([
  'report->check',
  'report->audit',
  'report->conform',
  'report->state',
  'report->flags',
])

function imports(file: string): { target: string; typeOnly: boolean }[] {
  const found: { target: string; typeOnly: boolean }[] = []
  for (const m of readFileSync(file, 'utf8').matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([^'"\n;]*?\s+from\s+)?['"]([^'"]+)['"]/gm,
  ))
    found.push({ target: m[3]!, typeOnly: m[1] !== undefined })
  for (const m of readFileSync(file, 'utf8').matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ target: m[1]!, typeOnly: false })
  return found
}

test('dependencies point down', () => {
  const wrong: string[] = []
  for (const file of walk('src').filter((f) => !isTest(f))) {
    const layer = file.split('/')[1]!
    for (const { target, typeOnly } of imports(file)) {
      if (!target.startsWith('.')) {
        if (!outside[layer]?.test(target)) wrong.push(`${file}: ${layer}/ uses '${target}'`)
        continue
      }
      const to = join(file, '..', target).split('/')[1]!
      if (to === layer) continue
      if (!allowed[layer]?.includes(to)) wrong.push(`${file}: ${layer}/ may not import ${to}/ ('${target}')`)
      else if (typesOnly.has(`${layer}->${to}`) && !typeOnly)
        wrong.push(`${file}: ${layer}/ may import only types of ${to}/ ('${target}')`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('every layer is known', () => {
  assert.deepEqual(
    readdirSync('src').filter((d) => allowed[d] === undefined),
    [],
  )
})
