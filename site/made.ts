import { readdirSync, readFileSync } from 'node:fs'
import { cellName, combinations, confirmedBy, questions, spelled, tableOf } from '../src/flags/index.ts'
import { invariants, kernels, type Op, ops, policies } from '../src/kernel/index.ts'
import { opList, parse, signature } from '../src/litmus/index.ts'
import { Source } from '../src/base/index.ts'
import { inPlayground } from './links.ts'
import { codeOf, type CorpusTest, folders, type Page, type Shelf } from './shelves.ts'

/** What the code knows of a thing, put into the page that is written about it. */
export function withFacts(page: Page, tests: readonly Expecting[]): Page {
  const [head, rest] = splitHead(page.markdown)
  const name = codeOf(page)
  const say = (above: readonly string[], below: readonly string[]): Page => ({
    ...page,
    markdown: [head, ...above, rest, ...below].join('\n\n'),
  })
  switch (page.shelf) {
    case 'Operations': {
      const op = ops.get(name)
      if (op === undefined) throw new Error(`there is no operation ${name}`)
      const use = new RegExp(`\\b${name}\\(`)
      return say(
        [`\`\`\`\n${signature(op)}\n\`\`\``, kernelsOf(op)],
        used(
          'Tests that call it',
          tests.filter((t) => use.test(t.text)),
        ),
      )
    }
    case 'Invariants': {
      const invariant = invariants.find((i) => i.code === name)
      if (invariant === undefined) throw new Error(`there is no invariant ${name}`)
      return say(
        [`**${invariant.promise}**`],
        used(
          'Tests that break it',
          tests.filter((t) => t.breaks.has(name)),
        ),
      )
    }
    case 'Policies': {
      const policy = Object.values(policies).find((p) => p.name === name)
      if (policy === undefined) throw new Error(`there is no policy ${name}`)
      return say(
        [`${sentence(policy.says)} The default is \`${policy.default}\`.`],
        used(
          'Tests that ask for it',
          tests.filter((t) => t.policies.has(name)),
        ),
      )
    }
    case 'Classes of mistakes': {
      const found = drivers(name)
      return say(
        [],
        found.length === 0
          ? []
          : ['## Drivers in which it is found', found.map((f) => `- [${f}](example:${f})`).join('\n')],
      )
    }
    default:
      return page
  }
}

export type Expecting = CorpusTest & {
  readonly breaks: ReadonlySet<string>
  readonly policies: ReadonlySet<string>
}

/** The corpus, with what its tests say of themselves. */
export const expecting = (tests: readonly CorpusTest[]): Expecting[] =>
  tests.map((t) => {
    const expect = parse(new Source(t.id, t.text)).value?.expect ?? []
    return {
      ...t,
      breaks: new Set(expect.flatMap((e) => e.broken)),
      policies: new Set(expect.flatMap((e) => Object.keys(e.policies))),
    }
  })

const most = 12
function used(heading: string, tests: readonly CorpusTest[]): string[] {
  if (tests.length === 0) return []
  // Short tests first: they are about it.
  const shown = tests.toSorted((a, b) => a.text.length - b.text.length).slice(0, most)
  return [
    `## ${heading}`,
    [
      ...shown.map((t) => `- \`${t.id}\``),
      ...(tests.length > shown.length ? [`- and ${tests.length - shown.length} more in \`litmus/\``] : []),
    ].join('\n'),
  ]
}

const drivers = (code: string): string[] =>
  readdirSync('examples')
    .filter((f) => f.endsWith('.c'))
    .sort()
    .filter((f) => new RegExp(`finds: .*\\b${code}\\b`).test(readFileSync(`examples/${f}`, 'utf8')))

const kernelsOf = ({ since, until, needs }: Op): string =>
  [
    since === undefined && until === undefined
      ? 'In all kernels.'
      : [
          'In kernels',
          ...(since === undefined ? [] : [`since ${since}`]),
          ...(until === undefined ? [] : [`before ${until}`]),
        ].join(' ') + '.',
    ...(needs.length === 0
      ? []
      : [`Needs ${needs.map((n) => (n === 'may sleep' ? 'to be allowed to sleep' : n)).join(', ')}.`]),
  ].join(' ')

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`

function splitHead(markdown: string): [head: string, rest: string] {
  const end = markdown.indexOf('\n')
  return [markdown.slice(0, end), markdown.slice(end + 1).trim()]
}

/** The front page of a folder: everything in it, in a sentence each. */
export function indexOf(shelf: Shelf, members: readonly Page[]): Page {
  const folder = folders[shelf]!
  const at = { path: `${folder.to}/index.html`, title: shelf, shelf }
  if (shelf === 'Operations')
    return {
      ...at,
      markdown: [
        `# ${shelf}`,
        'What a litmus test can call, and what the model does then. A name leads to its steps, its errors, where the kernel has it, and what is not modelled.',
        operations(),
      ].join('\n\n'),
    }
  const says = (p: Page): string => {
    const name = codeOf(p)
    return (
      invariants.find((i) => i.code === name)?.promise ??
      (policies as Readonly<Record<string, { says: string }>>)[name]?.says ??
      firstParagraph(p.markdown)
    )
  }
  return {
    ...at,
    markdown: [
      `# ${shelf}`,
      about[shelf] ?? '',
      members.map((p) => `- \`${codeOf(p)}\`: ${says(p)}`).join('\n'),
    ].join('\n\n'),
  }
}

/** The operations by family, a paragraph each: their calls are too long for a table beside what they do. */
const operations = (): string =>
  opList()
    .split('\n')
    .filter((line) => !/^\| (?:call|---)/.test(line))
    .map((line) => {
      const [, call, gives, kernels, says] = /^\| (`[^`]+`) \| (\S*) +\| ([^|]*) \| (.*) \|$/.exec(line) ?? []
      if (call === undefined) return line
      const about = [
        ...(gives === '' ? [] : [`gives ${gives}`]),
        ...(kernels === 'all' ? [] : [`in kernels ${kernels}`]),
      ]
      return `- ${call}${about.length === 0 ? '' : ` ${about.join(', ')}`}  \n  ${says!.replaceAll('\\|', '|')}`
    })
    .join('\n')

const about: Partial<Record<Shelf, string>> = {
  Invariants:
    'What the model promises in every state. They are always on. Each page has a test that breaks it, and a neighbour that does not.',
  'Classes of mistakes':
    'What the auditor calls a mistake in the code. Each page has the right pattern, and says when a finding is wrong.',
  Protocols: 'Ways of borrowing or lending memory that the auditor knows.',
  Policies: 'Proposals, and choices of a configuration, that a test or an audit can switch.',
}

function firstParagraph(markdown: string): string {
  const [, text = ''] = /^## [^\n]*\n\n([\s\S]*?)(?:\n\n|$)/m.exec(markdown) ?? []
  return text.replaceAll('\n', ' ').trim()
}

/** The flags table of every kernel, computed; a cell opens its test. It is made as HTML, because Markdown has no such cells. */
export function flagsTable(path: string): { readonly page: Page; readonly html: string } {
  const answers = new Map<string, string>()
  const parts = kernels.map((kernel, k) => {
    const confirmed = confirmedBy(kernel)
    for (const c of tableOf({ kernel, policies: {}, also: [], insert: undefined }))
      answers.set(
        `${kernel} ${cellName(c.shape, c.question)}`,
        `${c.answer}${c.broken.length > 0 ? '!' : ''}`,
      )
    const cell = (letters: string, share: string, question: string): string => {
      const name = `${letters}/${share}/${question}`
      const answer = answers.get(`${kernel} ${name}`)!
      const was = k === 0 ? answer : answers.get(`${kernels[k - 1]} ${name}`)!
      const tone = answer === 'yes' ? 'yes' : answer === 'BUG' ? 'bug' : 'no'
      return `<td class="${tone}${was === answer ? '' : ' differs'}"><a href="${inPlayground(path, { cell: name }, kernel).replaceAll('&', '&amp;')}">${was === answer ? '' : '<span title="other than in the kernel before">→ </span>'}${answer}</a>${confirmed.has(name) ? ' <span title="a real kernel says the same">✓</span>' : ''}</td>`
    }
    const table = (share: string): string =>
      `<div class="wide" tabindex="0"><table class="flags"><caption>${share} mappings</caption><thead><tr><td></td>${combinations.map((c) => `<th scope="col">${spelled(c)}</th>`).join('')}</tr></thead><tbody>${questions
        .map(
          (q) =>
            `<tr><th scope="row" title="${q.says}">${q.name}</th>${combinations.map((c) => cell(c, share, q.name)).join('')}</tr>`,
        )
        .join('\n')}</tbody></table></div>`
    return `<h2 id="linux-${kernel}">Linux ${kernel}</h2>\n${table('shared')}\n${table('private')}`
  })
  const html = [
    '<h1 id="the-flags-table">The flags table</h1>',
    '<p>What a mapping with each combination of VM_IO, VM_PFNMAP and VM_MIXEDMAP does. Nobody wrote the answers down: each cell is a litmus test that the model ran, and opens in the playground. <b>✓</b>: a real kernel of this version was asked and says the same. <b>→</b>: other than in the kernel before. <b>BUG</b>: the kernel stops there. <b>!</b>: it works, and breaks a promise.</p>',
    `<dl>${questions.map((q) => `<dt>${q.name}</dt><dd>${q.says}</dd>`).join('')}</dl>`,
    ...parts,
  ].join('\n')
  return { page: { path, title: 'The flags table', shelf: 'Reference', markdown: '' }, html }
}
