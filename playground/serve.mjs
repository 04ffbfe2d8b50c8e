// Builds the playground and serves it on loopback; opens nothing. Ctrl-C ends it. PORT, or any that is free.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import './build.mjs'

const page = fileURLToPath(new URL('dist/index.html', import.meta.url))
const server = createServer((request, response) => {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  if (path !== '/' && path !== '/index.html') return response.writeHead(404).end('there is one page: /\n')
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(readFileSync(page))
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
