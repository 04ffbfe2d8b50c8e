/*
 * Runs the corpus on the model beside which this file lies, until something is not as expected: prints that, or nothing. The word that is
 * given is that of the tests to begin with; a second one keeps the tests whose file it is part of. A process of its own, for the model may be broken in any way.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Source } from '../src/base/index.ts'
import { asked, judge, parse } from '../src/litmus/index.ts'

/** No test of the corpus needs as many. */
const most = 20_000

function noticed(word: string, only: string): string | undefined {
  const files = readdirSync('litmus', { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.litmus') && f.includes(only))
    .sort()
    .map((file) => ({ file, text: readFileSync(join('litmus', file), 'utf8') }))
  const named = (f: { text: string }): number => (f.text.includes(word) ? 0 : 1)
  for (const { file, text } of files.toSorted((a, b) => named(a) - named(b))) {
    const { value: test } = parse(new Source(file, text))
    if (test === undefined) return `${file}: cannot be read`
    for (const { kernel, policies, expect } of asked(test)) {
      const where = `${file} on ${[kernel, ...Object.entries(policies).map(([k, v]) => `${k}=${v}`)].join(' ')}`
      try {
        const { value } = judge(test, { kernel, policies, expect: expect! }, { maxStates: most })
        if (value?.verdict !== 'match') return `${where}: ${value?.why[0] ?? 'cannot be run'}`
      } catch (e) {
        return `${where}: ${String(e).split('\n')[0]}`
      }
    }
  }
  return undefined
}

console.log(noticed(process.argv[2] ?? '', process.argv[3] ?? '') ?? '')
