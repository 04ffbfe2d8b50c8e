import { readdirSync, readFileSync } from 'node:fs'
import { Source } from '../src/base/index.ts'
import { run } from '../src/cli/cli.ts'
import { changes, invariants } from '../src/kernel/index.ts'
import { bind, judge, opList, parse } from '../src/litmus/index.ts'
import { renderCheck } from '../src/report/check-text.ts'
import { wrap } from '../src/report/style.ts'
import { renderDiagnostic } from '../src/report/diagnostic.ts'

/** The parts of docs/litmus.md that are made, so that they cannot go stale: `npm run promote` writes them, a test compares. */
export function docsParts(): Record<string, string> {
  const name = 'follow_pfn+unlock+dma+bo_move'
  const text = readFileSync(`litmus/pfn-lookup/${name}.litmus`, 'utf8')
  const test = parse(new Source(name, text)).value!
  const [expect] = test.expect
  const { value } = judge(test, { kernel: '5.9', policies: {}, expect: expect! })
  const wrong =
    'C mistakes\n{ mm A; A:p = mmap(NULL, 1 page, PROT_READ, MAP_PRIVATE); }\nP0(mm A)\n{\n\tmmap_red_lock();\n\tr0 = vma_lookup(q)\n\tmmap_read_unlock();\n}\n'
  const read = parse(new Source('mistakes.litmus', wrong))
  const said = [...read.diagnostics, ...bind(read.value!, '6.12').diagnostics].filter(
    (d) => d.severity === 'error',
  )
  return {
    test: fence(text),
    operations: opList().trim(),
    example: fence(
      `$ tenure check --kernel 5.9 litmus/pfn-lookup/${name}.litmus\n${renderCheck([{ result: value!.result, judgement: value! }])}`,
    ),
    mistakes: fence(said.map((d) => renderDiagnostic(d)).join('\n')),
  }
}

/** The part of docs/model.md that is made: what changed between kernels. */
export function modelParts(): Record<string, string> {
  const rows = changes.map(({ name, since, until, backports, commit, says }) => {
    const when = [
      ...(since === undefined ? [] : [`since ${since}`]),
      ...(until === undefined ? [] : [`until ${until}`]),
      ...(backports === undefined
        ? []
        : [until === undefined ? `and in ${backports.join(', ')}` : `(${backports.join(', ')}: gone)`]),
    ]
    return `| \`${name}\` | ${when.join(' ')} | ${says}${commit === undefined ? '' : ` (${commit})`} |`
  })
  return { changes: ['| change | kernels | what |', '| --- | --- | --- |', ...rows].join('\n') }
}

/** The parts of docs/promises.md that are made: every invariant by its promise, every class by what its page says first. */
export function promiseParts(): Record<string, string> {
  const list = (rows: readonly (readonly [code: string, page: string, says: string])[]): string =>
    rows.map(([code, page, says]) => [`- [${code}](../${page}):`, ...wrap(says, 68)].join('\n  ')).join('\n')
  const folder = 'src/audit/classes'
  return {
    invariants: list(
      invariants.map(({ code, promise }) => [
        code,
        `src/kernel/invariants/${code.replaceAll('-', '_')}.md`,
        promise,
      ]),
    ),
    classes: list(
      readdirSync(folder)
        .filter((file) => file.endsWith('.md'))
        .sort()
        .map((file) => {
          const [, first = ''] = readFileSync(`${folder}/${file}`, 'utf8').split('## What it says\n\n')
          return [
            file.replace(/\.md$/, ''),
            `${folder}/${file}`,
            first.split('\n\n')[0]!.replaceAll('\n', ' ').trim(),
          ]
        }),
    ),
  }
}

/** The page with its parts made anew. */
export function withParts(page: string, parts: Record<string, string>): string {
  return page.replace(
    /<!-- (\w+): made by npm run promote -->\n[\s\S]*?<!-- end of \1 -->/g,
    (_, name: string) =>
      `<!-- ${name}: made by npm run promote -->\n\n${parts[name] ?? ''}\n\n<!-- end of ${name} -->`,
  )
}

/**
 * The page with what its commands print, made anew: in a `console` block each line `$ tenure …` is run where the project is, and what it
 * says follows it. A `litmus` block whose first line is a path shows that file.
 */
export async function withConsole(page: string): Promise<string> {
  let made = ''
  let at = 0
  for (const block of page.matchAll(/```console\n([\s\S]*?)```|```litmus\n(litmus\/\S+)\n[\s\S]*?```/g)) {
    made += page.slice(at, block.index)
    at = block.index + block[0].length
    if (block[2] !== undefined) {
      made += `\`\`\`litmus\n${block[2]}\n\n${readFileSync(block[2], 'utf8')}\`\`\``
      continue
    }
    made += '```console\n'
    for (const line of block[1]!.split('\n'))
      if (line.startsWith('$ tenure ')) made += `${line}\n${await said(line.split(' ').slice(2))}`
    made += '```'
  }
  return made + page.slice(at)
}

/** What a command prints, in a pipe or on a terminal. */
export async function said(argv: readonly string[], outIsTerminal = false): Promise<string> {
  let text = ''
  const say = (more: string): void => void (text += more)
  await run(argv, {
    out: say,
    err: say,
    outIsTerminal,
    errIsTerminal: false,
    signal: new AbortController().signal,
  })
  return text.endsWith('\n') ? text : `${text}\n`
}

/** The pages with commands in them. */
export const guides: readonly string[] = [
  ...readdirSync('docs/guide').map((n) => `docs/guide/${n}`),
  'docs/flags.md',
]

const fence = (text: string): string => `\`\`\`\n${text.trimEnd()}\n\`\`\``
