import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Diagnostic, Source, span } from '../base/index.ts'
import { renderDiagnostic } from './diagnostic.ts'

const source = new Source('pin/x.litmus', 'C x\n{ }\nP0(mm A)\n{\n\tr0 = folow_pfn(p, &pfn);\n}\n')
const at = (text: string) => {
  const start = source.text.indexOf(text)
  return span(source, start, start + text.length)
}

test('a diagnostic shows the place, why it matters and what to do, in 72 columns', () => {
  const d: Diagnostic = {
    code: 'litmus/unknown-op',
    severity: 'error',
    message: 'there is no operation `folow_pfn`, neither in this kernel nor in any other that is known here',
    primary: { span: at('folow_pfn'), text: 'called here' },
    secondary: [{ span: at('mm A'), text: 'in this process' }],
    notes: ['operations bear the names of the kernel functions that they model, and take their arguments'],
    hints: [{ text: 'did you mean `follow_pfn`?' }],
  }
  assert.equal(
    renderDiagnostic(d),
    `error[litmus/unknown-op]: there is no operation \`folow_pfn\`, neither in
  this kernel nor in any other that is known here
 --> pin/x.litmus:5:7
  |
5 |     r0 = folow_pfn(p, &pfn);
  |          ^^^^^^^^^ called here
3 | P0(mm A)
  |    ---- in this process
  |
  = note: operations bear the names of the kernel functions that they
          model, and take their arguments
  = help: did you mean \`follow_pfn\`?
`,
  )
})

test('a long line is shown around the place, and no line is wider than an e-mail', () => {
  const long = new Source('long', `${'a '.repeat(60)}HERE ${'b '.repeat(60)}`)
  const text = renderDiagnostic({
    code: 'x/y',
    severity: 'warning',
    message: 'm',
    primary: {
      span: span(long, 120, 124),
      text: 'this one has a label that does not fit behind the carets at all, so it goes below',
    },
  })
  const lines = text.split('\n')
  for (const l of lines) assert.ok(l.length <= 72, l)
  const code = lines.find((l) => l.includes('HERE'))!
  const carets = lines.find((l) => l.includes('^'))!
  assert.equal(code.indexOf('HERE'), carets.indexOf('^^^^'))
})

test('a place past the end, an empty one and none at all are shown as well as they can be', () => {
  const d = { code: 'x/y', severity: 'error', message: 'm' } as const
  assert.equal(renderDiagnostic(d), 'error[x/y]: m\n')
  const end = source.text.length
  assert.match(
    renderDiagnostic({ ...d, primary: { span: span(source, end, end), text: '' } }),
    /7 \|\n {2}\| \^\n/,
  )
})
