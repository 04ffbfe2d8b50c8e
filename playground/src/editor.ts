import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, indentUnit } from '@codemirror/language'
import { forceLinting, lintGutter, lintKeymap } from '@codemirror/lint'
import { EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view'

export type Editor = {
  readonly element: HTMLElement
  readonly view: EditorView
  text: () => string
  set: (text: string) => void
  /** Looks at the text again: the kernel is another. */
  relint: () => void
  focus: () => void
}

/**
 * The editor, in a shadow root: its style sheets are then constructed, and the page's policy need not allow inline style.
 * Tab moves on, as everywhere in a page; a line is indented by its brackets.
 */
export function editor(
  text: string,
  language: Extension,
  label: string,
  onChange: (text: string) => void,
): Editor {
  const element = document.createElement('div')
  element.className = 'editor'
  const root = element.attachShadow({ mode: 'open' })
  let quiet = false
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false, positionInfo }),
        highlightActiveLine(),
        lintGutter(),
        indentUnit.of('\t'),
        EditorState.tabSize.of(4),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        keymap.of([
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...lintKeymap,
        ]),
        language,
        theme,
        EditorView.updateListener.of((u) => {
          if (u.docChanged && !quiet) onChange(u.state.doc.toString())
        }),
      ],
    }),
  })
  return {
    element,
    view,
    text: () => view.state.doc.toString(),
    set: (to) => {
      quiet = true
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: to },
        selection: { anchor: 0 },
        scrollIntoView: true,
      })
      quiet = false
    },
    relint: () => forceLinting(view),
    focus: () => view.focus(),
  }
}

type Box = { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }

/** What a word means stands beside the list of words, or where there is no room below or above it, and never on it. */
function positionInfo(
  _view: EditorView,
  list: Box,
  option: Box,
  info: Box,
  space: Box,
): { style: string; class: string } {
  const [width, height] = [Math.min(info.right - info.left, 400), info.bottom - info.top]
  const [left, right] = [list.left - space.left, space.right - list.right]
  if (Math.max(left, right) >= width) {
    const side = right >= width ? 'right' : 'left'
    const top = Math.max(space.top, Math.min(option.top, space.bottom - height)) - list.top
    return {
      style: `top:${top}px;max-width:${Math.min(400, side === 'right' ? right : left)}px`,
      class: `cm-completionInfo-${side}`,
    }
  }
  const beyond = list.bottom - list.top
  const side = space.bottom - list.bottom >= height || list.top < height ? 'top' : 'bottom'
  return {
    style: `${side}:${beyond}px;max-width:${Math.min(400, space.right - list.left)}px`,
    class: 'cm-completionInfo-below',
  }
}

const mono = `ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace`
const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--panel)', color: 'var(--ink)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: mono, lineHeight: '1.5' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--dim)', border: 'none' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--soft) 55%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent)',
  },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--changed) 60%, transparent)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--panel)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    boxShadow: '0 4px 18px rgb(0 0 0 / .18)',
    maxWidth: 'min(34rem, 92vw)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: mono, fontSize: '12.5px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--accent)',
    color: 'var(--on-accent)',
  },
  '.cm-completionInfo': { padding: '0 !important' },
  '.cm-completionInfo-below': { left: '0' },
  '.cm-completionDetail': { color: 'inherit', opacity: '.75', fontStyle: 'normal', marginLeft: '.3em' },
  '.cm-diagnostic': { whiteSpace: 'pre-wrap', padding: '6px 10px', fontSize: '13px', borderLeftWidth: '4px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warn)' },
  '.cm-diagnosticSource': { opacity: '.75' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad) 1.5px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--warn) 1.5px',
    textUnderlineOffset: '3px',
  },
  '.cm-panels': { backgroundColor: 'var(--soft)', color: 'var(--ink)' },
  '.cm-panel input, .cm-panel button': { font: 'inherit' },
  '.word': { padding: '8px 12px', fontSize: '13px', lineHeight: '1.45' },
  '.word code': { fontFamily: mono, fontWeight: '600' },
  '.word p': { margin: '4px 0 0' },
  '.word .source': { color: 'var(--dim)', fontFamily: mono, fontSize: '12px' },
  '.word .absent': { color: 'var(--bad)' },
})
