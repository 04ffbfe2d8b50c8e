import { posix } from 'node:path'
import { deflateRawSync } from 'node:zlib'

/** The playground stands one folder above the site. */
const playground = '../index.html'

/** From a page of the site to another, or to a file beside the site's folder. */
export const relative = (from: string, to: string): string =>
  posix.relative(posix.dirname(from), to) || posix.basename(to)

/** A link that opens a test in the playground: of the corpus, by its name, or by its text. */
export function inPlayground(
  from: string,
  what:
    | { readonly test: string }
    | { readonly text: string }
    | { readonly cell: string }
    | { readonly example: string },
  kernel?: string,
): string {
  const hash = new URLSearchParams()
  if ('test' in what) hash.set('test', what.test)
  else if ('text' in what) hash.set('text', deflateRawSync(what.text).toString('base64url'))
  else if ('cell' in what) hash.set('cell', what.cell)
  else {
    hash.set('view', 'audit')
    hash.set('file', what.example)
  }
  if (kernel !== undefined) hash.append('on', kernel)
  return `${relative(from, playground)}#${hash.toString()}`
}

/** As GitHub makes the names of headings. */
export const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
