import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Schema, Validator } from '@cfworker/json-schema'
import type { AuditResult } from '../src/audit/index.ts'
import { run } from '../src/cli/cli.ts'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const protocols = ['pfn-lookup', 'page-pin', 'page-get'].flatMap((p) => ['--protocol', p])

async function audited(format: string, path = examples): Promise<string> {
  let out = ''
  let err = ''
  await run(['audit', ...protocols, '--format', format, path], {
    out: (t) => void (out += t),
    err: (t) => void (err += t),
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  assert.equal(err, '')
  return out
}

type Region = { startLine: number; startColumn: number; endLine: number; endColumn: number }
type Location = { physicalLocation?: { artifactLocation: { uri: string }; region: Region } }
type Sarif = {
  runs: {
    tool: { driver: { rules: { id: string; help?: { markdown: string } }[] } }
    results: {
      ruleId: string
      ruleIndex: number
      kind: string
      message: { text: string }
      partialFingerprints: Record<string, string>
      codeFlows?: { threadFlows: { locations: { executionOrder: number; location: Location }[] }[] }[]
      fixes?: {
        artifactChanges: {
          artifactLocation: { uri: string }
          replacements: { deletedRegion: Region; insertedContent: { text: string } }[]
        }[]
      }[]
    }[]
  }[]
}

let scratch: string
let sarif: string
let log: Sarif
let result: AuditResult
before(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'tenure-formats-'))
  sarif = await audited('sarif')
  log = JSON.parse(sarif) as Sarif
  result = JSON.parse(await audited('json')) as AuditResult
})
after(() => rmSync(scratch, { recursive: true }))

test('SARIF is valid by the schema of SARIF 2.1.0', () => {
  const main = createRequire(import.meta.url).resolve('@microsoft/jest-sarif')
  const schema = JSON.parse(readFileSync(join(main, '../schemas/sarif-2.1.0-rtm.5.json'), 'utf8')) as Schema
  const validator = new Validator(schema, '4', false)
  assert.deepEqual(validator.validate(log).errors, [])
  // The schema is one that can be failed.
  assert.equal(validator.validate({ ...log, runs: [{}] }).valid, false)
})

test('SARIF has what is broken as failures, what is not decided for review, and nothing else', () => {
  const [one] = log.runs
  const count = (kind: string): number => one!.results.filter((r) => r.kind === kind).length
  assert.equal(count('fail'), result.summary.broken)
  assert.equal(count('review'), result.summary.unknown)
  assert.equal(one!.results.length, result.summary.broken + result.summary.unknown)
  for (const r of one!.results) assert.equal(one!.tool.driver.rules[r.ruleIndex]!.id, r.ruleId)
  for (const rule of one!.tool.driver.rules)
    if (rule.id !== 'unknown') assert.match(rule.help?.markdown ?? '', new RegExp(`^# ${rule.id}\n`))
})

test('the code flow of a failure has every step of the witness once, in order', () => {
  const broken = result.sites.filter((s) => s.verdict === 'broken')
  const failures = log.runs[0]!.results.filter((r) => r.kind === 'fail')
  assert.equal(failures.length, broken.length)
  for (const [i, f] of failures.entries()) {
    const { steps } = broken[i]!.witness!
    const flows = f.codeFlows![0]!.threadFlows
    const order = flows.flatMap((t) => t.locations.map((l) => l.executionOrder)).sort((a, b) => a - b)
    assert.deepEqual(
      order,
      steps.map((_, n) => n + 1),
    )
    for (const { executionOrder, location } of flows.flatMap((t) => t.locations)) {
      const { place } = steps[executionOrder - 1]!
      const where = location.physicalLocation
      const at = where && `${where.artifactLocation.uri.replace(/^examples\//, '')}:${where.region.startLine}`
      assert.equal(at, place)
    }
  }
})

test('a fingerprint is the same when lines move, and no two results have the same', async () => {
  const moved = join(scratch, 'examples')
  cpSync(examples, moved, { recursive: true })
  for (const file of new Set(result.sites.map((s) => s.file)))
    writeFileSync(join(moved, file), `/* moved */\n\n\n${readFileSync(join(moved, file), 'utf8')}`)
  const prints = (of: Sarif) => of.runs[0]!.results.map((r) => r.partialFingerprints['tenureSite/v1']!)
  const now = JSON.parse(await audited('sarif', moved)) as Sarif
  assert.deepEqual(prints(now), prints(log))
  assert.equal(new Set(prints(log)).size, prints(log).length)
})

test('a fix, applied, mends what it is for', async () => {
  const fixed = log.runs[0]!.results.filter((r) => r.fixes !== undefined)
  assert.ok(fixed.length >= 2)
  const folder = join(scratch, 'fixed')
  cpSync(examples, folder, { recursive: true })
  for (const change of fixed.flatMap((r) => r.fixes![0]!.artifactChanges)) {
    const path = join(folder, change.artifactLocation.uri.replace(/^examples\//, ''))
    const lines = readFileSync(path, 'utf8').split('\n')
    for (const { deletedRegion: d, insertedContent } of change.replacements) {
      assert.equal(d.startLine, d.endLine)
      const line = lines[d.startLine - 1]!
      lines[d.startLine - 1] =
        line.slice(0, d.startColumn - 1) + insertedContent.text + line.slice(d.endColumn - 1)
    }
    writeFileSync(path, lines.join('\n'))
  }
  const before = new Set(fixed.map((r) => r.partialFingerprints['tenureSite/v1']))
  const after = JSON.parse(await audited('sarif', folder)) as Sarif
  const left = after.runs[0]!.results.filter((r) => before.has(r.partialFingerprints['tenureSite/v1']!))
  assert.deepEqual(
    left.map((r) => r.message.text),
    [],
  )
})

test('GitHub gets one line for each site that is broken or not decided, with nothing that ends it early', async () => {
  const lines = (await audited('github')).trimEnd().split('\n')
  assert.equal(lines.length, result.summary.broken + result.summary.unknown)
  for (const l of lines)
    assert.match(l, /^::(error|notice) file=[\w./%-]+,line=\d+,col=\d+,endColumn=\d+,title=[^:,]+::.+$/)
})

test('Markdown tells every broken site with its run, and closes what it opens', async () => {
  const text = await audited('markdown')
  const told = text.split('\n').filter((l) => l.startsWith('## ') && l !== '## Not decided')
  assert.equal(told.length, result.summary.broken)
  assert.equal(text.split('\n').filter((l) => l.startsWith('```')).length % 2, 0)
  assert.match(text, /^Promise \(use-after-free\): /m)
  assert.match(text, /^\+.*unpin_user_page\(/m)
})

test('every format gives the same text each time', async () => {
  assert.equal(await audited('sarif'), sarif)
  for (const format of ['github', 'markdown', 'json'])
    assert.equal(await audited(format), await audited(format))
})

test('every site says how to see it decided again, those with a test by that test', () => {
  for (const s of result.sites) {
    assert.match(s.replay ?? '', /^tenure audit /, `${s.file}:${s.line}`)
    assert.equal(
      / && tenure check DIR\/\S+\.litmus$/.test(s.replay!),
      s.litmus !== undefined,
      `${s.file}:${s.line}`,
    )
  }
})
