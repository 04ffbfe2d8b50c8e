/**
 * What a view draws, as plain data: elements of HTML or SVG. A page mounts it as DOM nodes, an export writes it as text. Text is
 * always text in both: nothing that a view is given can become markup.
 */
export type Element = {
  readonly tag: string
  readonly attributes: Attributes
  readonly children: readonly Markup[]
}
export type Markup = Element | string
/** `false` and `undefined` leave an attribute out, `true` is an empty one. Functions listen (`onclick`); in text they are left out. */
export type Attributes = Readonly<Record<string, Attribute>>
// biome-ignore lint: the kinds of event belong to the page
export type Attribute = string | number | boolean | undefined | ((event: any) => void)

type Child = Markup | number | false | undefined | readonly Child[]

/** `h('p', { class: 'x' }, 'text', …)`. Missing children are left out, lists are flattened. */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): Element {
  return { tag, attributes, children: flat(children) }
}

function flat(children: readonly Child[]): Markup[] {
  return children.flatMap((c) =>
    c === undefined || c === false
      ? []
      : typeof c === 'number'
        ? [String(c)]
        : Array.isArray(c)
          ? flat(c)
          : [c as Markup],
  )
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** Control characters have no place in XML, not even escaped. */
const escape = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (c) => escapes[c]!).replaceAll(/[^\P{Cc}\t\n]/gu, '\ufffd')

/** As text: well-formed XML, which is good HTML too but for elements that HTML wants closed (`script`). */
export function write(markup: Markup): string {
  if (typeof markup === 'string') return escape(markup)
  const attributes = Object.entries(markup.attributes).flatMap(([name, value]) =>
    value === false || value === undefined || typeof value === 'function'
      ? []
      : [` ${name}="${value === true ? '' : escape(String(value))}"`],
  )
  const head = `<${markup.tag}${attributes.join('')}`
  return markup.children.length === 0
    ? `${head}/>`
    : `${head}>${markup.children.map(write).join('')}</${markup.tag}>`
}
