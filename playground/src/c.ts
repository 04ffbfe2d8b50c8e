import { HighlightStyle, LanguageSupport, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { tags as t } from '@lezer/highlight'

const keywords = new Set(
  'auto break case const continue default do else enum extern for goto if inline register restrict return sizeof static struct switch typedef union volatile while'.split(
    ' ',
  ),
)
const types = /^(?:void|bool|char|short|int|long|float|double|signed|unsigned|[us](?:8|16|32|64)|\w+_t)$/

/** Kernel C in the editor: enough colour to read it by. */
export const c: Extension = [
  new LanguageSupport(
    StreamLanguage.define<{ comment: boolean }>({
      name: 'c',
      startState: () => ({ comment: false }),
      token(s, state) {
        if (state.comment || s.match('/*')) {
          state.comment = true
          while (!s.eol()) {
            if (s.match('*/')) {
              state.comment = false
              break
            }
            s.next()
          }
          return 'comment'
        }
        if (s.sol() && s.match(/^\s*#\s*\w+/)) return 'meta'
        if (s.eatSpace()) return null
        if (s.match('//')) {
          s.skipToEnd()
          return 'comment'
        }
        if (s.match(/^"(?:[^"\\]|\\.)*"?/) || s.match(/^'(?:[^'\\]|\\.)*'?/)) return 'string'
        if (s.match(/^(?:0[xX][\da-fA-F]+|\d+)\w*/)) return 'number'
        const word = s.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null
        if (word) {
          if (keywords.has(word[0])) return 'keyword'
          if (types.test(word[0])) return 'typeName'
          if (/^[A-Z_][A-Z0-9_]+$/.test(word[0])) return 'constant'
          return s.match(/^\s*\(/, false) ? 'function' : 'variableName'
        }
        s.next()
        return 'punctuation'
      },
      languageData: { commentTokens: { line: '//', block: { open: '/*', close: '*/' } } },
      tokenTable: { function: t.function(t.variableName), constant: t.constant(t.variableName) },
    }),
  ),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: t.function(t.variableName), color: 'var(--a0)' },
      { tag: t.keyword, color: 'var(--a2)', fontWeight: '600' },
      { tag: t.typeName, color: 'var(--a1)' },
      { tag: [t.constant(t.variableName), t.number, t.string], color: 'var(--a3)' },
      { tag: t.meta, color: 'var(--a4)' },
      { tag: t.comment, color: 'var(--dim)', fontStyle: 'italic' },
    ]),
  ),
]
