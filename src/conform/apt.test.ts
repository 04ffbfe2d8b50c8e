import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseMirrors, parseShow, parseSources } from './apt.ts'

const deb822 = `# a remark
Types: deb
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb deb-src
URIs: https://mirror.example/debian-security/
Suites: bookworm-security
Components: main

Types: deb-src
URIs: https://source.example/debian
Suites: sid

Types: deb
Enabled: no
URIs: https://old.example/debian
Suites: sid
`

test('archives are read from stanzas, but for sources and what is switched off', () => {
  assert.deepEqual(parseSources(deb822, true), [
    { uri: 'https://mirror.example/debian', suite: 'bookworm', signedBy: '/usr/share/keyrings/debian.gpg' },
    {
      uri: 'https://mirror.example/debian',
      suite: 'bookworm-updates',
      signedBy: '/usr/share/keyrings/debian.gpg',
    },
    { uri: 'https://mirror.example/debian-security/', suite: 'bookworm-security' },
  ])
})

test('archives are read from lines, with their options', () => {
  const text = `deb [arch=amd64 signed-by=/k.gpg] https://a.example/debian trixie main
#deb https://b.example/debian sid main
deb-src https://c.example/debian sid main`
  assert.deepEqual(parseSources(text, false), [
    { uri: 'https://a.example/debian', suite: 'trixie', signedBy: '/k.gpg' },
  ])
})

test('the mirror is the one that apt has, or the one that is given; none is made up', () => {
  assert.deepEqual(chooseMirrors(parseSources(deb822, true)), {
    main: 'https://mirror.example/debian',
    security: 'https://mirror.example/debian-security',
  })
  assert.deepEqual(chooseMirrors([], 'https://m.example/debian/'), {
    main: 'https://m.example/debian',
    security: 'https://m.example/debian-security',
  })
  assert.deepEqual(chooseMirrors([{ uri: 'https://x.example', suite: 'nodistro' }]), {})
})

test('a package needs the first of alternatives, without its version', () => {
  const text = `Package: linux-image-7.2.13
Version: 7.2.13-1
Depends: dracut | initramfs-tools (>= 0.120), linux-binary-7.2.13 (= 7.2.13-1), gcc:amd64

Package: linux-base
Version: 4.9
`
  assert.deepEqual(parseShow(text), [
    { name: 'linux-image-7.2.13', version: '7.2.13-1', depends: ['dracut', 'linux-binary-7.2.13', 'gcc'] },
    { name: 'linux-base', version: '4.9', depends: [] },
  ])
})
