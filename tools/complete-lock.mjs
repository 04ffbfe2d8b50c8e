// `npm install` leaves out of package-lock.json the optional platform packages that its registry does not serve, and `npm ci` then refuses
// the lock. This adds the missing entries (name, version, platform), so that the lock is whole on every platform. Run it after `npm install`:
// `node tools/complete-lock.mjs [DIRECTORY]`.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(process.argv[2] ?? '.', 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
let added = 0
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    if (lock.packages[key] !== undefined || !/^\d+\.\d+\.\d+$/.test(version)) continue
    const words = name
      .split('/')
      .pop()
      .replace(/^(cli|binding)-/, '')
      .split('-')
    const [os, cpu, abi] = words
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(abi === 'gnu' ? { libc: ['glibc'] } : abi === 'musl' ? { libc: ['musl'] } : {}),
      optional: true,
      os: [os],
    }
    added++
  }
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`)
console.log(`${added} platform packages added`)
