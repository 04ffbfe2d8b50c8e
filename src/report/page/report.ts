import type { Site, Verdict } from '../../audit/result.ts'
import { type Element as Drawn, h, type Markup } from '../picture/markup.ts'
import type { ChangeNote, ReportData } from '../page-data.ts'
import { mount } from './mount.ts'
import { showSite, signs, tones } from './site.ts'

type Facet = 'change' | 'kind' | 'api' | 'class' | 'module' | 'hold' | 'reason'
/** What the findings are summed up by, beside the verdict. */
const sums = ['class', 'kind', 'module'] as const
/** So many lines has a sum; the rest are in its filter. */
const lines = 8

type Sort = 'verdict' | 'place' | 'class'

const verdicts: readonly Verdict[] = ['broken', 'unknown', 'holds']

/** The words that a site is found by, lower case, made once. */
type Indexed = { readonly site: Site; readonly index: number; readonly key: string; readonly text: string }

/** An audit to read: figures, filters, findings; each finding opens to everything that is known of it. */
export class Report {
  readonly element = document.createElement('div')
  readonly #data: ReportData
  readonly #all: readonly Indexed[]
  readonly #tryIt: ((litmus: string) => void) | undefined
  readonly #filled = new Set<string>()
  readonly #rows = new Map<string, Drawn>()
  #verdicts = new Set<Verdict>(verdicts)
  #facets = new Map<Facet, string>()
  #search = ''
  #sort: Sort = 'verdict'

  constructor(data: ReportData, tryIt?: (litmus: string) => void) {
    this.#data = data
    this.#tryIt = tryIt
    this.#all = data.result.sites.map((site, index) => ({
      site,
      index,
      // Not its place: two findings may have the same one, what is gone and what came instead.
      key: String(index),
      text: [
        site.file,
        site.function,
        site.api,
        site.kind,
        site.verdict,
        site.guard,
        site.hold,
        site.summary,
        site.reason ?? '',
        site.contract ?? '',
        ...site.classes,
        ...site.flags,
      ]
        .join('\n')
        .toLowerCase(),
    }))
    this.element.className = data.compared === undefined ? 'report' : 'report compared'
    this.#draw()
  }

  #found(): Indexed[] {
    const words = this.#search
      .toLowerCase()
      .split(/\s+/)
      .filter((w) => w !== '')
    const found = this.#all.filter(
      ({ site, index, text }) =>
        this.#verdicts.has(site.verdict) &&
        [...this.#facets].every(([facet, value]) => this.#values(site, index, facet).includes(value)) &&
        words.every((w) => text.includes(w)),
    )
    const rank = (s: Site): number => verdicts.indexOf(s.verdict)
    if (this.#sort === 'verdict') found.sort((a, b) => rank(a.site) - rank(b.site) || a.index - b.index)
    if (this.#sort === 'class')
      found.sort((a, b) => {
        const [x, y] = [a.site.classes[0] ?? '~', b.site.classes[0] ?? '~']
        return x < y ? -1 : x > y ? 1 : a.index - b.index
      })
    return found
  }

  #draw(): void {
    const { result } = this.#data
    const { summary } = result
    const found = this.#found()
    mount(
      this.element,
      h(
        'div',
        { class: 'tiles', role: 'group', 'aria-label': 'Verdicts' },
        verdicts.map((v) =>
          h(
            'button',
            {
              type: 'button',
              class: `tile ${tones[v]}`,
              'aria-pressed': String(this.#verdicts.has(v)),
              title: `Show or hide what is ${v}`,
              onclick: () => {
                if (!this.#verdicts.delete(v)) this.#verdicts.add(v)
                this.#draw()
              },
            },
            h('b', {}, `${signs[v]} ${summary[v]}`),
            h('span', {}, v),
          ),
        ),
        h(
          'p',
          { class: 'figures' },
          `${plural(summary.sites, 'site')} in ${plural(summary.filesParsed, 'file')} read of ${number(summary.filesSeen)}; ${plural(summary.functions, 'function')}`,
          understood(summary.functions, summary.skipped),
        ),
      ),
      this.#summary(),
      h(
        'div',
        { class: 'filters', role: 'search', hidden: this.#all.length < 6 },
        h('input', {
          type: 'search',
          placeholder: 'Search file, function, words',
          'aria-label': 'Search the findings',
          oninput: (e: Event) => {
            this.#search = (e.target as HTMLInputElement).value
            this.#draw()
          },
        }),
        (['change', 'module', 'class', 'kind', 'api', 'hold', 'reason'] as const).flatMap((f) =>
          this.#facet(f),
        ),
        select(
          'sort by',
          [
            ['verdict', 'verdict'],
            ['place', 'place'],
            ['class', 'class'],
          ],
          this.#sort,
          (to) => {
            this.#sort = to as Sort
            this.#draw()
          },
        ),
      ),
      h(
        'p',
        { class: 'count', role: 'status' },
        `${number(found.length)} of ${plural(summary.sites, 'finding')}`,
      ),
      h(
        'div',
        { class: 'sites', 'data-keep': true },
        found.map((f) => this.#row(f)),
      ),
      problems(result.problems),
    )
  }

  #sums:
    | readonly { facet: Facet; rows: readonly [value: string, counts: Record<Verdict, number>][] }[]
    | undefined

  /** How many of each class, kind and module are broken, unknown and right; a line filters. */
  #summary(): Drawn {
    this.#sums ??= sums.map((facet) => {
      const rows = new Map<string, Record<Verdict, number>>()
      for (const { site, index } of this.#all)
        for (const value of this.#values(site, index, facet)) {
          const counts = rows.get(value) ?? { broken: 0, unknown: 0, holds: 0 }
          counts[site.verdict]++
          rows.set(value, counts)
        }
      return {
        facet,
        rows: [...rows].sort(
          ([a, m], [b, n]) =>
            n.broken - m.broken || n.unknown - m.unknown || n.holds - m.holds || (a < b ? -1 : 1),
        ),
      }
    })
    return h(
      'details',
      { class: 'sums', hidden: this.#all.length < 6, open: innerWidth > 760 },
      h('summary', {}, 'By class, kind and module'),
      h(
        'div',
        { class: 'sums-body' },
        this.#sums
          .filter(({ rows }) => rows.length > 1)
          .map(({ facet, rows }) =>
            h(
              'table',
              {},
              h(
                'thead',
                {},
                h(
                  'tr',
                  {},
                  h('th', { scope: 'col' }, facet),
                  verdicts.map((v) =>
                    h(
                      'th',
                      { scope: 'col', class: tones[v], title: v },
                      signs[v],
                      h('span', { class: 'aside' }, v),
                    ),
                  ),
                ),
              ),
              h(
                'tbody',
                {},
                rows.slice(0, lines).map(([value, counts]) =>
                  h(
                    'tr',
                    {},
                    h(
                      'th',
                      { scope: 'row' },
                      h(
                        'button',
                        {
                          type: 'button',
                          class: 'pick plain',
                          'aria-pressed': String(this.#facets.get(facet) === value),
                          onclick: () => {
                            if (this.#facets.get(facet) === value) this.#facets.delete(facet)
                            else this.#facets.set(facet, value)
                            this.#draw()
                          },
                        },
                        value,
                      ),
                    ),
                    verdicts.map((v) => h('td', {}, counts[v] === 0 ? '·' : number(counts[v]))),
                  ),
                ),
                rows.length > lines &&
                  h('tr', {}, h('td', { colspan: 4, class: 'more' }, `and ${rows.length - lines} more`)),
              ),
            ),
          ),
      ),
    )
  }

  /** Sites have facets; in a comparison what became of a site is one, too. */
  #values(site: Site, index: number, facet: Facet): readonly string[] {
    if (facet !== 'change') return valuesOf(site, facet)
    const note = this.#data.compared?.changes[index]
    return note === undefined ? [] : [became(note, site.verdict)]
  }

  #facet(facet: Facet): Drawn[] {
    const counts = new Map<string, number>()
    for (const { site, index } of this.#all)
      for (const v of new Set(this.#values(site, index, facet))) counts.set(v, (counts.get(v) ?? 0) + 1)
    if (counts.size < 2 && !this.#facets.has(facet)) return []
    const options = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    return [
      select(
        facet === 'reason' ? 'unknown because' : facet,
        [['', 'all'], ...options.map(([v, n]): [string, string] => [v, `${v} (${n})`])],
        this.#facets.get(facet) ?? '',
        (to) => {
          if (to === '') this.#facets.delete(facet)
          else this.#facets.set(facet, to)
          this.#draw()
        },
      ),
    ]
  }

  /** A row does not change: it is made once. */
  #row(of: Indexed): Drawn {
    const known = this.#rows.get(of.key)
    if (known !== undefined) return known
    const row = this.#newRow(of)
    this.#rows.set(of.key, row)
    return row
  }

  #newRow({ site, index, key }: Indexed): Drawn {
    return h(
      'details',
      {
        class: `site ${tones[site.verdict]}`,
        'data-key': key,
        ontoggle: (e: Event) => {
          const row = e.currentTarget as HTMLDetailsElement
          const body = row.querySelector<HTMLElement>(':scope > .body')
          if (!row.open || body === null || this.#filled.has(key)) return
          this.#filled.add(key)
          const scene = this.#data.sceneOf[index]
          showSite(
            body,
            site,
            index,
            scene === null || scene === undefined ? undefined : this.#data.scenes[scene],
            this.#data.lines,
            this.#tryIt,
            this.#data.compared?.changes[index]?.blame,
          )
        },
      },
      h(
        'summary',
        {},
        h(
          'span',
          { class: 'judged' },
          h('span', { class: 'verdict-word' }, `${signs[site.verdict]} ${site.verdict}`),
          this.#values(site, index, 'change').map((text) => h('span', { class: 'became' }, text)),
        ),
        h('span', { class: 'where' }, `${site.file}:${site.line}`),
        h('span', { class: 'what' }, h('b', {}, site.function), ` ${site.api}`),
        h(
          'span',
          { class: 'why' },
          site.classes.length > 0 ? site.classes.join(', ') : (site.contract ?? site.reason ?? ''),
        ),
      ),
      h('div', { class: 'body', 'data-foreign': true }),
    )
  }
}

function valuesOf(site: Site, facet: Exclude<Facet, 'change'>): readonly string[] {
  switch (facet) {
    case 'kind':
      return [site.kind]
    case 'api':
      return [site.api]
    case 'hold':
      return [site.hold]
    case 'class':
      return site.classes
    case 'reason':
      return site.reason === undefined ? [] : [site.reason]
    case 'module':
      return [site.file.split('/').slice(0, -1).slice(0, 3).join('/') || '.']
  }
}

/** `holds → broken`, `appeared`, `gone`. */
const became = ({ change, was }: ChangeNote, now: Verdict): string =>
  change === 'changed' && was !== undefined ? `${was} → ${now}` : change

/** What the analysis did not understand is said beside what it did. */
function understood(functions: number, skipped: Readonly<Record<string, number>>): string {
  const left = Object.entries(skipped).filter(([, n]) => n > 0)
  if (left.length === 0) return ', all understood.'
  const sum = left.reduce((n, [, m]) => n + m, 0)
  const share = functions > 0 ? ` (${((100 * sum) / functions).toFixed(2)} %)` : ''
  return `, ${number(sum)} not understood${share}: ${left.map(([why, n]) => `${why} ${n}`).join(', ')}.`
}

function problems(list: ReportData['result']['problems']): Markup {
  if (list.length === 0) return ''
  return h(
    'details',
    { class: 'problems' },
    h(
      'summary',
      {},
      `${plural(list.length, 'file or function', 'files or functions')} could not be read or understood`,
    ),
    h(
      'ul',
      {},
      list.map((p) =>
        h('li', {}, h('code', {}, p.line === undefined ? p.file : `${p.file}:${p.line}`), ` ${p.message}`),
      ),
    ),
  )
}

function select(
  label: string,
  options: readonly (readonly [string, string])[],
  value: string,
  onPick: (value: string) => void,
): Drawn {
  return h(
    'label',
    { class: 'field' },
    h('span', {}, label),
    h(
      'select',
      { value, onchange: (e: Event) => onPick((e.target as HTMLSelectElement).value) },
      options.map(([v, text]) => h('option', { value: v, selected: v === value }, text)),
    ),
  )
}

const number = (n: number): string => n.toLocaleString('en')
const plural = (n: number, one: string, more = `${one}s`): string => `${number(n)} ${n === 1 ? one : more}`
