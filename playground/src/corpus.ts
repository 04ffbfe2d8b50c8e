import { mount } from '../../src/report/page/mount.ts'
import { h, type Markup } from '../../src/report/picture/markup.ts'

export type CorpusTest = { readonly family: string; readonly name: string; readonly text: string }

/** `family/name`, as links have it. */
export const idOf = (t: CorpusTest): string => `${t.family}/${t.name}`

/** The corpus to choose from: by family, with a search over names and texts. */
export class Corpus {
  readonly element = document.createElement('div')
  readonly #tests: readonly CorpusTest[]
  readonly #open: (test: CorpusTest) => void
  #search = ''
  #current: string | undefined

  constructor(tests: readonly CorpusTest[], open: (test: CorpusTest) => void) {
    this.#tests = tests
    this.#open = open
    this.element.className = 'corpus'
    this.#draw()
  }

  find(id: string): CorpusTest | undefined {
    return this.#tests.find((t) => idOf(t) === id)
  }

  set current(id: string | undefined) {
    this.#current = id
    this.#draw()
  }

  #draw(): void {
    const words = this.#search
      .toLowerCase()
      .split(/\s+/)
      .filter((w) => w !== '')
    const found = this.#tests.filter((t) => {
      const text = `${t.family}/${t.name}\n${t.text}`.toLowerCase()
      return words.every((w) => text.includes(w))
    })
    const families = [...new Set(found.map((t) => t.family))]
    mount(
      this.element,
      h('input', {
        type: 'search',
        placeholder: `Search ${this.#tests.length} tests`,
        'aria-label': 'Search the tests, their names and their text',
        oninput: (e: Event) => {
          this.#search = (e.target as HTMLInputElement).value
          this.#draw()
        },
      }),
      h(
        'div',
        { class: 'families' },
        families.map((family) =>
          h(
            'section',
            {},
            h('h3', {}, family),
            h(
              'ul',
              {},
              found
                .filter((t) => t.family === family)
                .map((t) =>
                  h(
                    'li',
                    {},
                    h(
                      'button',
                      {
                        type: 'button',
                        'aria-current': idOf(t) === this.#current ? 'true' : undefined,
                        title: summaryOf(t.text),
                        onclick: () => this.#open(t),
                      },
                      breakable(t.name),
                    ),
                  ),
                ),
            ),
          ),
        ),
        found.length === 0 && h('p', { class: 'none' }, 'No test has all these words.'),
      ),
    )
  }
}

/** A long name breaks where its words do. */
const breakable = (name: string): Markup[] => name.split(/(?<=[+_])/).flatMap((part) => [part, h('wbr')])

/** The first sentence of a test's comment that is not an expectation. */
function summaryOf(text: string): string {
  const comment = /\(\*([\s\S]*?)\*\)/.exec(text)?.[1] ?? ''
  const lines = comment.split('\n').map((l) => l.replace(/^\s*\*? ?/, '').trim())
  const from = lines.findIndex((l) => l !== '' && !l.startsWith('Result:'))
  if (from < 0) return ''
  const end = lines.findIndex((l, i) => i > from && l === '')
  return lines.slice(from, end < 0 ? undefined : end).join(' ')
}
