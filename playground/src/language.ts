import { type CompletionContext, type CompletionResult, type Completion } from '@codemirror/autocomplete'
import { HighlightStyle, LanguageSupport, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic as Mark, linter } from '@codemirror/lint'
import type { Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'
import type { Problem, Setting, Word } from './model.ts'

type Model = ReturnType<typeof tenureModel>

const keywords = new Set(['if', 'else', 'while', 'do', 'goto', 'return', 'exists', 'forall', 'daemon', 'C'])

/** The litmus language in the editor: colours, completion, what is wrong, and what a word means. */
export function litmus(model: Model, setting: () => Setting): Extension {
  const { words } = model
  const ops = new Map(words.ops.map((w) => [w.name, w]))
  const constants = new Set([...words.constants, ...words.states])
  const declarations = new Set(words.declarations)
  const invariants = new Map(words.invariants.map((w) => [w.name, w]))

  const stream = StreamLanguage.define<{ comment: '' | 'name' | 'head' | 'c' }>({
    name: 'litmus',
    startState: () => ({ comment: '' }),
    token(s, state) {
      if (state.comment !== '' && state.comment !== 'name') {
        const end = state.comment === 'head' ? '*)' : '*/'
        if (state.comment === 'head' && s.match(/\s*\*?\s*Result:/)) return 'docComment'
        while (!s.eol()) {
          if (s.match(end)) {
            state.comment = ''
            break
          }
          s.next()
        }
        return 'comment'
      }
      if (s.sol() && s.match(/^C(?=\s)/)) {
        state.comment = 'name'
        return 'keyword'
      }
      if (s.eatSpace()) return null
      if (state.comment === 'name') {
        s.skipToEnd()
        state.comment = ''
        return 'labelName'
      }
      if (s.match('(*')) {
        state.comment = 'head'
        return 'comment'
      }
      if (s.match('/*')) {
        state.comment = 'c'
        return 'comment'
      }
      if (s.match('//')) {
        s.skipToEnd()
        return 'lineComment'
      }
      if (s.match(/^(0[xX][0-9a-fA-F]+|\d+)/)) return 'number'
      const name = s.match(/^[A-Za-z_]\w*(?:(?:\.|->)[A-Za-z_]\w*)*/) as RegExpMatchArray | null
      if (name) {
        const word = name[0]
        if (ops.has(word)) return 'function'
        if (keywords.has(word)) return 'keyword'
        if (declarations.has(word)) return 'typeName'
        if (constants.has(word)) return 'constant'
        if (/^P\d+$/.test(word)) return 'labelName'
        return 'variableName'
      }
      if (s.match(/^(\/\\|\\\/|==|!=|<=|>=|&&|\|\||[~!&|*+\-<>=])/)) return 'operator'
      s.next()
      return 'punctuation'
    },
    languageData: {
      commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
      closeBrackets: { brackets: ['(', '{'] },
      autocomplete: complete,
    },
    tokenTable: {
      function: t.function(t.variableName),
      constant: t.constant(t.variableName),
      docComment: t.docComment,
    },
  })

  const options: Completion[] = [
    ...words.ops.map(
      (w): Completion => ({
        label: w.name,
        type: 'function',
        detail: w.detail.slice(w.name.length),
        info: () => described(w, model.absentIn(setting().kernel).get(w.name)),
        apply: (view, _, from, to) => {
          const text = `${w.name}()`
          const inside = w.detail.endsWith('()') ? text.length : text.length - 1
          view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + inside } })
        },
      }),
    ),
    ...words.constants.map((name): Completion => ({ label: name, type: 'constant' })),
    ...words.states.map(
      (name): Completion => ({ label: name, type: 'constant', detail: 'in a declaration' }),
    ),
    ...words.declarations.map((name): Completion => ({ label: name, type: 'type', detail: 'declaration' })),
    ...[...keywords].map((label): Completion => ({ label, type: 'keyword' })),
  ]
  const results: Completion[] = [
    ...words.invariants.map((w): Completion => ({ label: w.name, type: 'constant', info: w.doc })),
    ...['Always', 'Sometimes', 'Never', 'with'].map((label): Completion => ({ label, type: 'keyword' })),
    ...model.settings.kernels.map((label): Completion => ({ label, type: 'text', detail: 'kernel' })),
    ...model.settings.policies.flatMap((p) =>
      Object.entries(p.values).map(
        ([value, info]): Completion => ({ label: `${p.name}=${value}`, type: 'property', info }),
      ),
    ),
  ]

  function complete(context: CompletionContext): CompletionResult | null {
    const line = context.state.doc.lineAt(context.pos)
    const inResult = /^\s*\*?\s*Result:/.test(line.text)
    const word = context.matchBefore(inResult ? /[\w.=-]+/ : /[A-Za-z_]\w*/)
    if (word === null && !context.explicit) return null
    if (!inResult && /\/\/|^\s*\*\s/.test(line.text.slice(0, context.pos - line.from))) return null
    return {
      from: word?.from ?? context.pos,
      options: inResult ? results : options,
      validFor: inResult ? /^[\w.=-]*$/ : /^\w*$/,
    }
  }

  const hover = hoverTooltip((view, pos) => {
    const { from, text } = view.state.doc.lineAt(pos)
    for (const m of text.matchAll(/[A-Za-z_][\w-]*/g)) {
      const start = from + m.index
      if (pos < start || pos > start + m[0].length) continue
      const word = ops.get(m[0]) ?? invariants.get(m[0])
      if (word === undefined) return null
      return {
        pos: start,
        end: start + m[0].length,
        above: true,
        create: () => ({ dom: described(word, model.absentIn(setting().kernel).get(word.name)) }),
      }
    }
    return null
  })

  const lint = linter(
    (view) => {
      const text = view.state.doc.toString()
      return model.problems(text, setting()).map((p) => markOf(p, text.length))
    },
    { delay: 120 },
  )

  return [new LanguageSupport(stream), syntaxHighlighting(colours), hover, lint]
}

function markOf(p: Problem, length: number): Mark {
  const from = Math.min(p.from, length)
  const to = Math.min(Math.max(p.to, from), length)
  return {
    from,
    to,
    severity: p.severity === 'note' ? 'info' : p.severity,
    source: p.code,
    message: [p.message, ...p.notes, ...p.help.map((h) => `help: ${h}`)].join('\n'),
    ...(p.fix === undefined
      ? {}
      : {
          actions: [
            {
              name: `write ${p.fix}`,
              apply: (view, a, b) => view.dispatch({ changes: { from: a, to: b, insert: p.fix! } }),
            },
          ],
        }),
  }
}

/** What a word means: its call, a sentence, where the kernel has it. */
function described(w: Word, absent: string | undefined): HTMLElement {
  const dom = document.createElement('div')
  dom.className = 'word'
  const add = (tag: string, text: string, name = '') => {
    const e = document.createElement(tag)
    e.textContent = text
    if (name !== '') e.className = name
    dom.append(e)
  }
  add('code', w.detail)
  add('p', w.doc)
  if (absent !== undefined) add('p', `Not in the kernel that is chosen: ${absent}.`, 'absent')
  if (w.source !== undefined) add('p', w.source, 'source')
  return dom
}

const colours = HighlightStyle.define([
  { tag: t.function(t.variableName), color: 'var(--a0)', fontWeight: '600' },
  { tag: t.keyword, color: 'var(--a2)', fontWeight: '600' },
  { tag: t.typeName, color: 'var(--a1)' },
  { tag: t.constant(t.variableName), color: 'var(--a3)' },
  { tag: t.labelName, fontWeight: '700' },
  { tag: t.number, color: 'var(--a3)' },
  { tag: [t.comment, t.lineComment], color: 'var(--dim)', fontStyle: 'italic' },
  { tag: t.docComment, color: 'var(--a4)', fontWeight: '600' },
  { tag: t.operator, color: 'var(--dim)' },
])
