// Writes playground/dist/index.html: one file that any static host, or file://, can serve. Scripts are in the page, and its policy allows
// exactly these and this style, by their hashes. (Scripts beside it could not be named by hash where a page is opened
// as a file. Style attributes are allowed, because browsers make them themselves where one types over a selection.)
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

/** What stands in a script element or string of HTML must not end it. */
const data = (value) => JSON.stringify(value).replaceAll('<', '\\u003c')

const corpus = walk(process.env['TENURE_CORPUS'] ?? join(here, '../litmus')).map(
  ({ family, name, file }) => ({
    family,
    name,
    text: readFileSync(file, 'utf8'),
  }),
)

const scripts = {
  // The first worker starts at once, beside the rest of the page.
  model: `${await asFunction('src/model.ts', 'tenureModel')}
globalThis.tenureWorkers=URL.createObjectURL(new Blob(["("+tenureModel+")()"],{type:"text/javascript"}))
globalThis.tenureFirst=new Worker(tenureWorkers)`,
  corpus: `globalThis.tenureCorpus=${data(corpus)}`,
  page: await bundle('src/main.ts'),
}
for (const [name, text] of Object.entries(scripts))
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
    Object.values(scripts)
      .map((text) => `<script>${text}</script>`)
      .join('\n'),
  )

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })
writeFileSync(join(dist, 'index.html'), page)
for (const [name, text] of Object.entries({ ...scripts, style, 'in all': page }))
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
