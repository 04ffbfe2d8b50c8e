import type { Attribute, Element as Drawn, Markup } from '../picture/markup.ts'

const svg = 'http://www.w3.org/2000/svg'

/**
 * Makes the children of `parent` what `views` say. Nodes that are there already are changed in place, so that focus, scroll and selection
 * stay. Text goes in as text and attributes as attributes: nothing is ever parsed as markup. Children with a `data-key` are known by it; in an
 * element with `data-keep` they are kept when they are left out, and come back as they were. A view that is the very one of last time is not
 * looked into. What is in an element with `data-foreign` is somebody else's.
 */
export function mount(parent: Element, ...views: readonly Markup[]): void {
  patchChildren(parent, views)
}

/** What listens, by node and event: a listener is exchanged, not added. */
const listeners = new WeakMap<Element, Map<string, (event: Event) => void>>()
/** What each node was made of last, and the children of those that keep them. */
const viewOf = new WeakMap<Element, Drawn>()
const kept = new WeakMap<Element, Map<string, Element>>()
const attributesOf = new WeakMap<Element, Readonly<Record<string, Attribute>>>()

function patchChildren(parent: Element, views: readonly Markup[]): void {
  const inSvg = parent.namespaceURI === svg
  const keyed = byKey(parent, views)
  let node = parent.firstChild
  for (const view of views) {
    const known = keyed?.get(keyOf(view))
    if (keyed !== undefined) {
      // A thing with a key is the same thing wherever it stands now.
      const element = known ?? make(view, inSvg)
      if (element === node) node = node.nextSibling
      else parent.insertBefore(element, node)
      if (known !== undefined && typeof view !== 'string') patch(known, view)
      continue
    }
    const next: ChildNode | null = node?.nextSibling ?? null
    if (node === null) parent.append(make(view, inSvg))
    else if (typeof view === 'string') {
      if (node.nodeType !== Node.TEXT_NODE) node.replaceWith(view)
      else if (node.nodeValue !== view) node.nodeValue = view
    } else if (node instanceof Element && node.localName === view.tag && attributesOf.has(node))
      patch(node, view)
    else node.replaceWith(make(view, inSvg))
    node = next
  }
  while (node !== null) {
    const next: ChildNode | null = node.nextSibling
    node.remove()
    node = next
  }
}

function patch(element: Element, view: Drawn): void {
  if (viewOf.get(element) === view) return
  viewOf.set(element, view)
  setAttributes(element, view)
  if (view.attributes['data-foreign'] === undefined) patchChildren(element, view.children)
}

const keyOf = (view: Markup): string =>
  typeof view === 'string' ? '' : String(view.attributes['data-key'] ?? '')

/** The children that are there by their keys, when the views have keys; all of them have, or none. */
function byKey(parent: Element, views: readonly Markup[]): Map<string, Element> | undefined {
  const known = kept.get(parent)
  if (known === undefined && (views.length === 0 || views.some((v) => keyOf(v) === ''))) return undefined
  const found = known ?? new Map<string, Element>()
  for (const child of parent.children) {
    const key = attributesOf.get(child)?.['data-key']
    if (key !== undefined) found.set(String(key), child)
  }
  return found
}

function make(view: Markup, inSvg: boolean): Node {
  if (typeof view === 'string') return document.createTextNode(view)
  const within = inSvg || view.tag === 'svg'
  const element = within ? document.createElementNS(svg, view.tag) : document.createElement(view.tag)
  viewOf.set(element, view)
  if (view.attributes['data-keep'] !== undefined) kept.set(element, new Map())
  setAttributes(element, view)
  for (const child of view.children) element.append(make(child, within))
  return element
}

function setAttributes(element: Element, { attributes }: Drawn): void {
  const old = attributesOf.get(element) ?? {}
  for (const name of Object.keys(old)) if (!(name in attributes)) setAttribute(element, name, undefined)
  for (const [name, value] of Object.entries(attributes))
    if (old[name] !== value) setAttribute(element, name, value)
  attributesOf.set(element, attributes)
  // What the reader did to a field is not in its attributes.
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement) {
    const { value } = attributes
    if (value !== undefined && element.value !== String(value)) element.value = String(value)
  }
}

function setAttribute(element: Element, name: string, value: Attribute): void {
  if (name.startsWith('on')) {
    const event = name.slice(2)
    const known = listeners.get(element) ?? new Map<string, (event: Event) => void>()
    listeners.set(element, known)
    const before = known.get(event)
    if (before) element.removeEventListener(event, before)
    if (typeof value === 'function') {
      known.set(event, value)
      element.addEventListener(event, value)
    } else known.delete(event)
  } else if (name === 'xmlns') return
  else if (value === undefined || value === false || typeof value === 'function') {
    element.removeAttribute(name)
  } else element.setAttribute(name, value === true ? '' : String(value))
}
