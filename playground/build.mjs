// Writes playground/dist/index.html: one file that any static host, or file://, can serve. Scripts are in the page, and its policy allows
// exactly these and this style, by their hashes. (Scripts beside it could not be named by hash where a page is opened
// as a file. Style attributes are allowed, because browsers make them themselves where one types over a selection.)
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, 'dist')
const common = {
  bundle: true,
  minify: true,
  write: false,
  target: ['chrome111', 'firefox115', 'safari16.4'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: here,
}
const bundle = async (entry, more = {}) =>
  (await build({ ...common, entryPoints: [entry], format: 'iife', ...more })).outputFiles[0].text

/** A module as a function that gives its exports, and whose text can be a worker. */
const asFunction = async (entry, name) => {
  const text = await bundle(entry, { globalName: 'exported' })
  return `globalThis.${name}=function(){${text}\nreturn exported}`
}

/** The auditor asks the model that its worker has, and what it would ask of Node is not asked in a page: the files are given. */
const auditorPlugin = {
  name: 'auditor',
  setup(b) {
    b.onResolve({ filter: /\/(base|kernel|litmus)\/index\.ts$/ }, ({ path }) => ({
      path: path.split('/').at(-2),
      namespace: 'shared',
    }))
    b.onLoad({ filter: /./, namespace: 'shared' }, ({ path }) => ({
      contents: `module.exports=globalThis.tenureShared.${path}`,
    }))
    b.onResolve({ filter: /^(node:|tar-stream$)/ }, ({ path }) => ({ path, namespace: 'node' }))
    b.onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: { 'node:path': posix, 'node:os': 'exports.availableParallelism=()=>1' }[path] ?? '',
      loader: 'js',
    }))
  },
}
const posix = `
const normalize = (p) => {
  const out = []
  for (const part of p.split('/'))
    if (part === '..' && out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (part !== '' && part !== '.') out.push(part)
  return (p.startsWith('/') ? '/' : '') + out.join('/') || '.'
}
exports.posix = {
  normalize,
  join: (...parts) => normalize(parts.filter((p) => p !== '').join('/')),
  dirname: (p) => (p.includes('/') ? p.slice(0, p.lastIndexOf('/')) || '/' : '.'),
  basename: (p, end = '') => {
    const name = p.slice(p.lastIndexOf('/') + 1)
    return end !== '' && name !== end && name.endsWith(end) ? name.slice(0, -end.length) : name
  },
}
exports.join = exports.posix.join
exports.dirname = exports.posix.dirname
exports.basename = exports.posix.basename`

/** What stands in a script element or string of HTML must not end it. */
const data = (value) => JSON.stringify(value).replaceAll('<', '\\u003c')

const corpus = walk(process.env['TENURE_CORPUS'] ?? join(here, '../litmus')).map(
  ({ family, name, file }) => ({
    family,
    name,
    text: readFileSync(file, 'utf8'),
  }),
)

/** In a page a driver is one file: what it includes of the examples stands in it. */
function whole(text) {
  return text.replaceAll(/^#include "(\w+\.h)"\n/gm, (_, name) =>
    readFileSync(join(here, '../examples', name), 'utf8'),
  )
}

const examples = readdirSync(join(here, '../examples'))
  .filter((name) => name.endsWith('.c'))
  .sort()
  .map((path) => ({ path, text: whole(readFileSync(join(here, '../examples', path), 'utf8')) }))

// Not run by the page, only by its worker, so it stands there as text. The little of Node's globals that it uses goes before it.
const globals = `globalThis.setImmediate=(f)=>setTimeout(f)
globalThis.Buffer={from:(x,a,n)=>typeof x==='string'?Uint8Array.from(x,(c)=>c.charCodeAt(0)):new Uint8Array(x,a,n)}
`
const auditor =
  globals +
  (await bundle('src/auditor.ts', {
    plugins: [auditorPlugin],
    define: { 'import.meta.url': '""' },
    // Files and threads are asked for only where a tree is on a disk.
    logOverride: { 'import-is-undefined': 'silent' },
  }))

const scripts = {
  // The first worker starts at once, beside the rest of the page.
  model: `${await asFunction('src/model.ts', 'tenureModel')}
globalThis.tenureWorkers=URL.createObjectURL(new Blob(["("+tenureModel+")()"],{type:"text/javascript"}))
globalThis.tenureFirst=new Worker(tenureWorkers)`,
  corpus: `globalThis.tenureCorpus=${data(corpus)}`,
  page: await bundle('src/main.ts'),
}
for (const [name, text] of Object.entries({ ...scripts, auditor }))
  if (/<\/script|<!--/i.test(text)) throw new Error(`${name} would end its script element`)
const style = await bundle('src/style.ts', { format: 'esm' }).then(evaluate)
const hash = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`
const page = readFileSync(join(here, 'index.html'), 'utf8')
  .replace('STYLES', `'${hash(style)}'`)
  .replace(
    'SCRIPTS',
    Object.values(scripts)
      .map((text) => `'${hash(text)}'`)
      .join(' '),
  )
  .replace('STYLE', () => style)
  .replace('SCRIPTTAGS', () =>
    [
      `<script type="text/plain" id="auditor">${auditor}</script>`,
      `<script type="application/json" id="examples">${data(examples)}</script>`,
      ...Object.values(scripts).map((text) => `<script>${text}</script>`),
    ].join('\n'),
  )

mkdirSync(dist, { recursive: true })
const beside = join(dist, `index.html.${process.pid}`)
writeFileSync(beside, page)
renameSync(beside, join(dist, 'index.html'))
for (const [name, text] of Object.entries({
  ...scripts,
  auditor,
  examples: data(examples),
  style,
  'in all': page,
}))
  console.log(
    `${name.padEnd(8)} ${kb(text.length)}, ${kb(gzipSync(text).length)} gzip, ${kb(brotliCompressSync(text).length)} brotli`,
  )

function kb(n) {
  return `${(n / 1000).toFixed(1).padStart(7)} kB`
}

function walk(dir, family = '') {
  let names
  try {
    names = readdirSync(dir).sort()
  } catch {
    return []
  }
  return names.flatMap((name) => {
    const file = join(dir, name)
    if (statSync(file).isDirectory()) return walk(file, family === '' ? name : `${family}/${name}`)
    return name.endsWith('.litmus') ? [{ family, name: name.replace(/\.litmus$/, ''), file }] : []
  })
}

async function evaluate(text) {
  const { css } = await import(`data:text/javascript,${encodeURIComponent(text)}`)
  return css
}
