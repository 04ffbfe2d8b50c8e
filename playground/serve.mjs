// Builds the playground and serves it on loopback, with the documentation where that was built; opens nothing. Ctrl-C ends it. PORT, or any
// that is free.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import './build.mjs'

const dist = fileURLToPath(new URL('dist/', import.meta.url))
const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
  const file = join(dist, path.endsWith('/') ? `${path}index.html` : path)
  if (!file.startsWith(dist) || !file.endsWith('.html') || !existsSync(file) || !statSync(file).isFile())
    return response
      .writeHead(404)
      .end('there is no such page; / is the playground, /docs/ the documentation\n')
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(readFileSync(file))
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
