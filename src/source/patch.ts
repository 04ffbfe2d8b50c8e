import type { Diagnostic, Outcome } from '../base/index.ts'
import { MemoryTree } from './memory.ts'
import { Overlay } from './overlay.ts'
import { diagnose, isCFile, notKernel, type Tree } from './tree.ts'

/** What a patch does to one file. Without `from` the file is new, without `to` it is deleted. */
export type FilePatch = {
  readonly from?: string
  readonly to?: string
  readonly hunks: readonly PatchHunk[]
}

export type PatchHunk = {
  /** Line of the patch that it begins in. */
  readonly at: number
  readonly oldStart: number
  readonly newStart: number
  readonly lines: readonly { readonly mark: ' ' | '+' | '-'; readonly text: string }[]
}

export type Patched = {
  readonly tree: Overlay
  /** Where files went that were renamed: the old path, then the new one. */
  readonly renamed: ReadonlyMap<string, string>
  /** C files of the new tree that are new or different, and of the old tree that are gone. */
  readonly changed: readonly string[]
}

/**
 * Reads a unified diff: what `git format-patch`, `git diff`, `diff -u` and mailboxes of these write. What stands around it (a mail's
 * head, a commit message, a signature) is skipped.
 */
export function parsePatch(text: string, name = 'patch'): Outcome<readonly FilePatch[]> {
  const lines = text.split('\n').map((l) => l.replace(/\r$/, ''))
  const files: FilePatch[] = []
  type Open = { from: string | undefined; to: string | undefined; hunks: PatchHunk[]; renamed: boolean }
  let open: Open | undefined
  const close = (): void => {
    if (
      open !== undefined &&
      (open.hunks.length > 0 || open.renamed || open.from === undefined || open.to === undefined)
    )
      files.push({
        ...(open.from !== undefined && { from: open.from }),
        ...(open.to !== undefined && { to: open.to }),
        hunks: open.hunks,
      })
    open = undefined
  }
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const git = /^diff --git (.+)$/.exec(line)
    if (git) {
      close()
      const [from, to] = gitNames(git[1]!)
      open = { from, to, hunks: [], renamed: false }
    } else if (open !== undefined && /^(rename|copy) (from|to) /.test(line)) {
      const [, what, way, path] = /^(rename|copy) (from|to) (.+)$/.exec(line) ?? []
      const file = unquote(path ?? '')
      if (way === 'to') open.to = file
      else if (what === 'rename') open.from = file
      // A copy leaves the old file alone: it cannot be told by one pair of paths, and kernel patches have none.
      else return diagnose('patch/copy', `${name}:${i + 1}: a patch that copies a file is not read`)
      open.renamed = true
    } else if (open !== undefined && line.startsWith('new file mode ')) open.from = undefined
    else if (open !== undefined && line.startsWith('deleted file mode ')) open.to = undefined
    else if (line.startsWith('--- ') && (lines[i + 1] ?? '').startsWith('+++ ')) {
      const from = pathOf(line.slice(4))
      const to = pathOf(lines[i + 1]!.slice(4))
      if (open === undefined || open.hunks.length > 0) {
        close()
        open = { from, to, hunks: [], renamed: false }
      } else if (!open.renamed) {
        open.from = from
        open.to = to
      }
      i++
    } else if (line.startsWith('@@ ')) {
      const hunk = readHunk(lines, i)
      if (hunk === undefined)
        return diagnose(
          'patch/malformed',
          `${name}:${i + 1}: the hunk is damaged: it does not have the lines that its head says`,
          'a mailer may have wrapped or stripped lines; save the message as it is',
        )
      if (open === undefined) return diagnose('patch/malformed', `${name}:${i + 1}: a hunk of no file`)
      open.hunks.push(hunk)
      i += hunk.lines.length + hunk.markers
    } else if (open !== undefined && open.hunks.length > 0 && !/^(diff |index |Index: |=+$)/.test(line))
      close()
  }
  close()
  if (files.length === 0)
    return diagnose(
      'patch/none',
      `${name} holds no unified diff`,
      'give what `git format-patch`, `git diff` or `diff -u` writes',
    )
  return { value: files, diagnostics: [] }
}

function readHunk(
  lines: readonly string[],
  at: number,
): (PatchHunk & { readonly markers: number }) | undefined {
  const m = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(lines[at]!)
  if (!m) return undefined
  let old = m[2] === undefined ? 1 : Number(m[2])
  let fresh = m[4] === undefined ? 1 : Number(m[4])
  const found: { mark: ' ' | '+' | '-'; text: string }[] = []
  let markers = 0
  for (let i = at + 1; old > 0 || fresh > 0; i++) {
    const line = lines[i]
    if (line === undefined) return undefined
    // Mailers strip the space of an empty line of context.
    const mark = line === '' ? ' ' : line[0]!
    if (mark === '\\') {
      markers++
      continue
    }
    if (mark !== ' ' && mark !== '+' && mark !== '-') return undefined
    found.push({ mark, text: line.slice(1) })
    if (mark !== '+') old--
    if (mark !== '-') fresh--
    if (old < 0 || fresh < 0) return undefined
  }
  if (lines[at + 1 + found.length + markers]?.startsWith('\\')) markers++
  return { at: at + 1, oldStart: Number(m[1]), newStart: Number(m[3]), lines: found, markers }
}

/** `a/x b/x`: for a name without spaces, or two equal names. Others say their names in the lines below. */
function gitNames(rest: string): [string | undefined, string | undefined] {
  const quoted = /^("(?:[^"\\]|\\.)*"|\S+) ("(?:[^"\\]|\\.)*"|\S+)$/.exec(rest)
  if (quoted) return [pathOf(quoted[1]!), pathOf(quoted[2]!)]
  const half = (rest.length - 1) / 2
  const [a, b] = [rest.slice(0, half), rest.slice(half + 1)]
  return a.slice(2) === b.slice(2) ? [pathOf(a), pathOf(b)] : [undefined, undefined]
}

/** The path without the tab and date behind it and the `a/` before it; undefined for /dev/null. */
function pathOf(text: string): string | undefined {
  const path = unquote(text.replace(/\t.*$/, '').trimEnd())
  if (path === '/dev/null') return undefined
  const slash = path.indexOf('/')
  return slash < 0 ? path : path.slice(slash + 1)
}

/** Git quotes names that are not plain ASCII: `"a/\303\244.c"`. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  const bytes: number[] = []
  const inner = text.slice(1, text.lastIndexOf('"'))
  const plain: Record<string, number> = { n: 10, t: 9, r: 13, '"': 34, '\\': 92 }
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] !== '\\') bytes.push(...Buffer.from(inner[i]!))
    else if (/^[0-7]{3}/.test(inner.slice(i + 1))) {
      bytes.push(Number.parseInt(inner.slice(i + 1, i + 4), 8))
      i += 3
    } else bytes.push(plain[inner[++i] ?? ''] ?? 63)
  }
  return Buffer.from(bytes).toString()
}

/**
 * The tree with a patch applied, in memory. A hunk may have moved, and up to two lines of its context on either side may differ, as with
 * patch(1). Files that are not C and not Makefiles do not matter to an audit and are passed over.
 */
export function applyPatch(tree: Tree, patch: readonly FilePatch[], name = 'patch'): Outcome<Patched> {
  const texts = new Map<string, string>()
  const gone = new Set<string>()
  const renamed = new Map<string, string>()
  const present = new Set(tree.files)
  const wrong: Diagnostic[] = []
  const fail = (d: Outcome<never>): void => void wrong.push(...d.diagnostics)
  const isThere = (path: string): boolean => texts.has(path) || (present.has(path) && !gone.has(path))
  for (const f of patch) {
    const path = f.to ?? f.from!
    if (!matters(path, tree) || (f.from !== undefined && !matters(f.from, tree))) continue
    const at = f.hunks[0]?.at ?? 1
    let before: string | undefined = ''
    if (f.from !== undefined) {
      before = isCFile(f.from)
        ? isThere(f.from)
          ? (texts.get(f.from) ?? tree.text(f.from))
          : undefined
        : (texts.get(f.from) ?? makefileText(tree, f.from))
      if (before === undefined) {
        if (isCFile(f.from))
          fail(
            diagnose(
              'patch/no-file',
              `${name}:${at}: it changes ${f.from}, and ${tree.path} has no such file`,
              'is it for another version of the tree?',
            ),
          )
        continue
      }
    } else if (isCFile(path) && isThere(path))
      fail(diagnose('patch/exists', `${name}:${at}: it creates ${path}, and ${tree.path} has that file`))
    const after = applied(before, f.hunks)
    if (typeof after !== 'string') {
      const n = f.hunks.indexOf(after.hunk) + 1
      fail(
        diagnose(
          'patch/does-not-apply',
          `${name}:${after.hunk.at}: hunk ${n} of ${f.hunks.length} of ${path} does not apply: ${after.why}`,
          'is it for another version of the tree, or applied already?',
        ),
      )
      continue
    }
    if (f.from !== undefined && f.from !== f.to) {
      gone.add(f.from)
      texts.delete(f.from)
      if (f.to !== undefined) renamed.set(f.from, f.to)
    }
    if (f.to !== undefined) {
      gone.delete(f.to)
      texts.set(f.to, after)
    }
  }
  if (wrong.length > 0) return { diagnostics: wrong }
  const top = new MemoryTree(name, new Map([...texts].map(([path, text]) => [path, Buffer.from(text)])))
  const overlay = new Overlay(tree, top, { hidden: gone, path: tree.path })
  return {
    value: {
      tree: overlay,
      renamed,
      changed: [...new Set([...texts.keys(), ...gone])].filter(isCFile).sort(),
    },
    diagnostics: [],
  }
}

const matters = (path: string, tree: Tree): boolean =>
  (isCFile(path) || /(^|\/)(Makefile|Kbuild)$/.test(path)) &&
  !(tree.kernel && notKernel.has(path.split('/')[0]!))

function makefileText(tree: Tree, path: string): string | undefined {
  const slash = path.lastIndexOf('/')
  return tree.makefile(slash < 0 ? '' : path.slice(0, slash))
}

type Refused = { readonly hunk: PatchHunk; readonly why: string }

function applied(before: string, hunks: readonly PatchHunk[]): string | Refused {
  const lines = before.split('\n')
  const crlf = lines[0]?.endsWith('\r') === true
  const out: string[] = []
  let done = 0
  let offset = 0
  for (const hunk of hunks) {
    const found = place(lines, hunk, done, offset)
    if (typeof found === 'string') return { hunk, why: found }
    const { at, cut } = found
    const first = cut.start
    const last = hunk.lines.length - cut.end
    out.push(...lines.slice(done, at))
    let next = at
    for (const l of hunk.lines.slice(first, last)) {
      if (l.mark === '+') out.push(crlf ? `${l.text}\r` : l.text)
      else {
        if (l.mark === ' ') out.push(lines[next]!)
        next++
      }
    }
    offset = at - first - (hunk.oldStart - 1)
    done = next
  }
  out.push(...lines.slice(done))
  return out.join('\n')
}

/** Where the old lines of a hunk stand: nearest to where it says, first as it is, then with less context. */
function place(
  lines: readonly string[],
  hunk: PatchHunk,
  from: number,
  offset: number,
): { readonly at: number; readonly cut: { readonly start: number; readonly end: number } } | string {
  const context = (list: readonly { mark: string }[]): number => {
    const n = list.findIndex((l) => l.mark !== ' ')
    return n < 0 ? list.length : n
  }
  const head = context(hunk.lines)
  const tail = context(hunk.lines.toReversed())
  const old = hunk.lines.filter((l) => l.mark !== '+').map((l) => l.text)
  // What is put into nothing goes behind the line that the head names.
  if (old.length === 0) return { at: Math.min(hunk.oldStart, lines.length), cut: { start: 0, end: 0 } }
  for (let fuzz = 0; fuzz <= 2; fuzz++) {
    const cut = { start: Math.min(fuzz, head), end: Math.min(fuzz, tail) }
    const wanted = old.slice(cut.start, old.length - cut.end)
    if (wanted.length === 0 || (fuzz > 0 && cut.start < fuzz && cut.end < fuzz)) break
    const expected = hunk.oldStart - 1 + offset + cut.start
    for (let away = 0; away <= lines.length; away++)
      for (const at of away === 0 ? [expected] : [expected - away, expected + away])
        if (at >= from && at + wanted.length <= lines.length && stands(lines, wanted, at)) return { at, cut }
  }
  const expected = Math.max(from, hunk.oldStart - 1 + offset)
  const wrong = old.findIndex((l, i) => !same(lines[expected + i], l))
  return lines[expected + wrong] === undefined
    ? `the file ends before line ${expected + wrong + 1}`
    : `line ${expected + wrong + 1} is \`${lines[expected + wrong]!.trim()}\` and not \`${old[wrong]!.trim()}\``
}

const stands = (lines: readonly string[], wanted: readonly string[], at: number): boolean =>
  wanted.every((w, i) => same(lines[at + i], w))
const same = (a: string | undefined, b: string): boolean => a !== undefined && a.replace(/\r$/, '') === b
