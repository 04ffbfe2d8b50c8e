import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { charDevice, cpio, directory, executable } from './cpio.ts'
import { which } from './process.ts'

const archive = cpio([
  directory('dev'),
  charDevice('dev/console', 5, 1),
  executable('init', new TextEncoder().encode('hello')),
])

test('an archive is a row of headers, names and data, each at a multiple of four, and a trailer', () => {
  const text = new TextDecoder('latin1').decode(archive)
  assert.equal(archive.length % 4, 0)
  const found: [string, number, number][] = []
  for (let at = 0; at < text.length; ) {
    assert.equal(at % 4, 0)
    assert.equal(text.slice(at, at + 6), '070701')
    const field = (i: number) => Number.parseInt(text.slice(at + 6 + 8 * i, at + 14 + 8 * i), 16)
    const [mode, size, major, minor, length] = [1, 6, 9, 10, 11].map(field) as [number, ...number[]]
    const name = text.slice(at + 110, at + 110 + length! - 1)
    found.push([name, mode, size!])
    at = (at + 110 + length! + 3) & ~3
    if (name === 'dev/console') assert.deepEqual([major, minor], [5, 1])
    if (name === 'init') assert.equal(text.slice(at, at + 5), 'hello')
    at = (at + size! + 3) & ~3
  }
  assert.deepEqual(found, [
    ['dev', 0o040755, 0],
    ['dev/console', 0o020600, 0],
    ['init', 0o100755, 5],
    ['TRAILER!!!', 0, 0],
  ])
})

const tool = which('cpio')
test('cpio(1) reads it', { skip: tool === undefined && 'there is no cpio here' }, () => {
  const listed = spawnSync(tool!, ['-tv'], { input: archive, encoding: 'utf8' })
  assert.equal(listed.status, 0)
  assert.match(listed.stdout, /^drwxr-xr-x .* dev$/m)
  assert.match(listed.stdout, /^crw------- .* 5, +1 .* dev\/console$/m)
  assert.match(listed.stdout, /^-rwxr-xr-x .* 5 .* init$/m)
})
