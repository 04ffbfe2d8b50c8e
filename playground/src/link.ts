import type { Setting } from './model.ts'

/** What a link holds: a test, by its place in the corpus or by its text, on which kernels, and where in which run. */
export type Link = {
  readonly view?: string
  readonly test?: string
  readonly text?: string
  /** A cell of the flags table, whose test is opened. */
  readonly cell?: string
  /** A driver of examples/, to audit. */
  readonly file?: string
  /** Combinations of the flags table. */
  readonly flags?: readonly string[]
  readonly columns: readonly Column[]
}
export type Column = Setting & {
  /** `broken:use-after-free`, or `state:` and the final state. */
  readonly run?: string
  readonly step?: number
}

/** As the part of an address behind `#`. The text is deflated: a test fits into an address that mail programs leave alone. */
export async function writeLink(link: Link): Promise<string> {
  const out = new URLSearchParams()
  if (link.view !== undefined) out.set('view', link.view)
  if (link.test !== undefined) out.set('test', link.test)
  if (link.text !== undefined)
    out.set('text', toBase64(await through(encoder.encode(link.text), new CompressionStream('deflate-raw'))))
  if (link.cell !== undefined) out.set('cell', link.cell)
  if (link.file !== undefined) out.set('file', link.file)
  if (link.flags !== undefined) out.set('flags', link.flags.join(' '))
  for (const c of link.columns) {
    const on = [c.kernel, ...Object.entries(c.policies).map(([name, value]) => `${name}=${value}`)]
    out.append('on', [on.join(' '), c.run ?? '', c.step ?? ''].join('|').replace(/\|+$/, ''))
  }
  return out.toString()
}

/** What an address says; what it does not say well is left out. */
export async function readLink(hash: string): Promise<Link> {
  const given = new URLSearchParams(hash.replace(/^#/, ''))
  const columns = given.getAll('on').flatMap((on): Column[] => {
    const [setting = '', run = '', step = ''] = on.split('|')
    const [kernel = '', ...policies] = setting.split(' ').filter((w) => w !== '')
    if (!/^\d+\.\d+$/.test(kernel)) return []
    return [
      {
        kernel,
        policies: Object.fromEntries(
          policies.flatMap((p) => (/^\w+=\w+$/.test(p) ? [p.split('=') as [string, string]] : [])),
        ),
        ...(run === '' ? {} : { run }),
        ...(/^\d{1,6}$/.test(step) ? { step: Number(step) } : {}),
      },
    ]
  })
  const text = await textOf(given.get('text'))
  return {
    ...(given.get('view') === null ? {} : { view: given.get('view')! }),
    ...(given.get('test') === null ? {} : { test: given.get('test')! }),
    ...(text === undefined ? {} : { text }),
    ...(given.get('cell') === null ? {} : { cell: given.get('cell')! }),
    ...(given.get('file') === null ? {} : { file: given.get('file')! }),
    ...(given.get('flags') === null ? {} : { flags: given.get('flags')!.split(' ') }),
    columns,
  }
}

async function textOf(packed: string | null): Promise<string | undefined> {
  if (packed === null) return undefined
  try {
    return new TextDecoder().decode(
      await through(fromBase64(packed), new DecompressionStream('deflate-raw'), 1_000_000),
    )
  } catch {
    return undefined
  }
}

const encoder = new TextEncoder()

/** `most` bytes, and no more: a link that swells is not followed. */
async function through(
  bytes: Uint8Array<ArrayBuffer>,
  by: CompressionStream | DecompressionStream,
  most = Infinity,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(by).getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value as Uint8Array<ArrayBuffer>)
    length += value.length
    if (length > most) throw new Error('too long')
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

const toBase64 = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
