// npm run bench NAME [options]: runs dist/bench/NAME.js, whose default export takes the arguments and returns the exit code.
import { existsSync, readdirSync } from 'node:fs'

const dir = new URL('../dist/bench/', import.meta.url)
const [name, ...args] = process.argv.slice(2)
const known = existsSync(dir)
  ? readdirSync(dir).flatMap((f) => (/^[a-z]+\.js$/.test(f) ? [f.replace('.js', '')] : []))
  : []
if (name === undefined || !known.includes(name)) {
  console.error(
    `usage: npm run bench NAME [-- options]\nNAME is one of: ${known.join(', ') || '(none is built)'}`,
  )
  process.exit(2)
}
const { default: main } = await import(new URL(`${name}.js`, dir).href)
process.exitCode = await main(args)
