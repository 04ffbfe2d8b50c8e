import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Language, type Node, Parser } from 'web-tree-sitter'
import { calleeName, callsOf, parseC } from './index.ts'

// A second opinion: tree-sitter's C grammar, on the functions that it reads without an error.
const fixtures = new URL('../../../test/fixtures/source/', import.meta.url)

test('every call that tree-sitter sees is seen', async () => {
  await Parser.init()
  const parser = new Parser()
  parser.setLanguage(
    await Language.load(createRequire(import.meta.url).resolve('tree-sitter-c/tree-sitter-c.wasm')),
  )
  let compared = 0
  for (const name of readdirSync(fixtures).filter((n) => n.endsWith('.c'))) {
    const text = readFileSync(new URL(name, fixtures), 'utf8')
    const ours = new Set(
      parseC(name, text).functions.flatMap((f) => callsOf(f).map((c) => `${calleeName(c)}@${c.start}`)),
    )
    const walk = (node: Node): void => {
      if (node.type === 'preproc_if' && node.text.startsWith('#if 0')) return
      // #if pieces are read as their first arm only (WARTS)
      if (node.type === 'preproc_else' && node.parent?.parent?.type === 'argument_list') return
      const callee = node.type === 'call_expression' ? node.childForFieldName('function') : null
      if (callee?.type === 'identifier') {
        compared++
        assert.ok(
          ours.has(`${callee.text}@${node.startIndex}`),
          `${name}: ${node.text} at ${node.startPosition.row + 1}`,
        )
      }
      for (const child of node.children) if (child) walk(child)
    }
    const tree = parser.parse(text)!
    for (const f of tree.rootNode.descendantsOfType('function_definition')) {
      const body = f?.childForFieldName('body')
      if (body) walk(body)
    }
    tree.delete()
  }
  assert.ok(compared > 20, `${compared} calls were compared`)
})
