import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { audit, type AuditResult, protocols, type Site } from '../src/audit/index.ts'
import { Source } from '../src/base/index.ts'
import { asked, judge, parse } from '../src/litmus/index.ts'
import { openTree, parseC, Program } from '../src/source/index.ts'

/**
 * The drivers in examples/ say what is to be found, as a comment on the line above the call: `finds: CLASS`, `holds`,
 * `holds: CONTRACT`, `unknown: REASON`, or `todo: …` for what is known to be wrong; or so behind the call. What nobody expects is an error as
 * well.
 */
const folder = fileURLToPath(new URL('../../examples/', import.meta.url))

async function auditOf(path: string): Promise<AuditResult> {
  const { value: tree, diagnostics } = await openTree(path)
  assert.ok(tree, JSON.stringify(diagnostics))
  const program = new Program(tree)
  try {
    return await audit(program, { treeKernel: undefined, protocols, version: 'test', path })
  } finally {
    await program.close()
  }
}

type Expected = { readonly file: string; readonly line: number; readonly says: string }

function expectations(file: string, text: string): Expected[] {
  return text.split('\n').flatMap((l, i): Expected[] => {
    const m = /^(.*?)\s*\/\* ((?:finds|holds|unknown|todo)\b.*?) \*\/$/.exec(l)
    return m === null ? [] : [{ file, line: m[1] === '' ? i + 2 : i + 1, says: m[2]! }]
  })
}

function found(s: Site): string {
  if (s.verdict === 'broken') return `finds: ${s.classes.join(', ')}`
  if (s.verdict === 'unknown') return `unknown: ${s.reason}`
  return s.contract === undefined ? 'holds' : `holds: ${s.contract}`
}

const matches = (expected: string, s: Site): boolean => {
  const [word = '', rest = ''] = expected.split(/: (.*)/s)
  if (word === 'todo') return true
  if (rest === '') return found(s).split(':')[0] === word
  return word === 'finds'
    ? s.classes.join(', ') === rest && s.verdict === 'broken'
    : found(s).startsWith(`${word}:`) && found(s).includes(rest)
}

const files = readdirSync(folder)
  .filter((f) => f.endsWith('.c'))
  .sort()
const all = files.flatMap((f) => expectations(f, readFileSync(join(folder, f), 'utf8')))

let result: AuditResult
let scratch: string
before(async () => {
  result = await auditOf(folder)
  scratch = mkdtempSync(join(tmpdir(), 'tenure-'))
})
after(() => rmSync(scratch, { recursive: true, force: true }))

test('every example is judged as its comments say, and nothing else is found', () => {
  const wrong: string[] = []
  for (const e of all) {
    const s = result.sites.find((x) => x.file === e.file && x.line === e.line)
    if (s === undefined) wrong.push(`${e.file}:${e.line} expects "${e.says}", and there is no site`)
    else if (!matches(e.says, s))
      wrong.push(`${e.file}:${e.line} expects "${e.says}", and it is "${found(s)}"`)
  }
  for (const s of result.sites)
    if (!all.some((e) => e.file === s.file && e.line === s.line))
      wrong.push(`${s.file}:${s.line} ${s.api} is "${found(s)}", and nothing is expected of it`)
  assert.deepEqual(wrong, [])
  assert.ok(all.length >= 24)
})

test('a lifted test is a file that the checker accepts and that gives the same verdict', () => {
  for (const s of result.sites.filter((x) => x.verdict !== 'unknown')) {
    // Where nothing could be lifted there is a reason.
    if (s.verdict === 'unknown' && s.kind !== 'pfn-lookup') continue
    assert.ok(s.litmus, `${s.file}:${s.line}`)
    for (const text of [s.litmus.text, ...(s.repair === undefined ? [] : [s.repair.litmus])]) {
      const { value, diagnostics } = parse(new Source(s.file, text))
      assert.deepEqual(
        diagnostics.map((d) => d.message),
        [],
        text,
      )
      const runs = asked(value!)
      assert.equal(runs.length, 1, text)
      for (const run of runs) {
        assert.ok(run.expect)
        const { value: judged } = judge(value!, { ...run, expect: run.expect })
        assert.equal(judged?.verdict, 'match', `${text}\n${judged?.why.join('\n')}`)
        const broken = (judged?.result.broken.length ?? 0) > 0
        assert.equal(broken, text === s.litmus.text && s.verdict === 'broken', text)
      }
    }
  }
})

test('a finding has a witness whose lines are in the driver, and a repair that was checked', () => {
  for (const s of result.sites.filter((x) => x.verdict === 'broken')) {
    assert.ok(s.witness && s.witness.steps.length > 0, `${s.file}:${s.line}`)
    const placed = s.witness.steps.filter((x) => x.place !== undefined)
    // A call without its lock is wrong all by itself.
    assert.ok(
      placed.length >= (s.classes.some((c) => /^(missing-resv-lock|gup-without-mmap-lock)$/.test(c)) ? 1 : 2),
      `${s.file}:${s.line}`,
    )
    for (const x of placed) assert.match(x.place!, new RegExp(`^${s.file}:\\d+$`))
    assert.ok(
      placed.some((x) => x.place === `${s.file}:${s.line}`),
      `the look-up itself is not in the witness of ${s.file}:${s.line}`,
    )
    assert.ok(s.repair, `${s.file}:${s.line} has no repair`)
    assert.ok(s.repair.states > 0)
  }
})

/** Words of the kernel's own structs that the drivers use: the fields of others keep their names. */
const kernelFields = new Set(
  'vm_pgoff vm_private_data vm_page_prot vm_ops pgoff page private_data fault mmap priv pfn vma address mm notifier notifier_seq start end hmm_pfns default_flags invalidate access vm_mm vm_start vm_end vm_flags rb_node rb_left rb_right dmabuf resv gem_prime_import free unlocked_ioctl importer_priv invalidate_mappings'.split(
    ' ',
  ),
)

/** Everything that the file itself names, under other names: functions, structs, fields, parameters, locals. */
function renamed(path: string, text: string): string {
  const file = parseC(path, text)
  const own = new Set([
    ...file.functions.flatMap((f) => [
      f.name,
      ...f.params.map((p) => p.name),
      ...f.body.locals.map((l) => l.name),
    ]),
    ...file.structs.flatMap((s) => [s.name, ...s.fields.map((f) => f.name)]),
    ...file.globals.map((g) => g.name),
  ])
  return text
    .split('\n')
    .map((line) =>
      /^\s*(#|\/\*|\/\/|\*(?= |\/|$))/.test(line)
        ? line
        : line.replaceAll(/(\.|->)?\b([A-Za-z_]\w*)\b/g, (whole, before: string | undefined, word: string) =>
            !own.has(word) || (before !== undefined && kernelFields.has(word))
              ? whole
              : `${before ?? ''}zz_${word.length}${word.split('').reverse().join('')}`,
          ),
    )
    .join('\n')
}

test('names decide nothing: with functions, structs, fields and variables renamed every verdict is the same', async () => {
  for (const f of files) {
    const text = readFileSync(join(folder, f), 'utf8')
    const other = renamed(f, text)
    assert.ok(other.split('zz_').length > 8, other)
    writeFileSync(join(scratch, f), other)
  }
  for (const f of readdirSync(folder)) if (f.endsWith('.h')) copyFileSync(join(folder, f), join(scratch, f))
  const again = await auditOf(scratch)
  assert.deepEqual(
    again.sites.map((s) => `${s.file}:${s.line} ${s.verdict} ${s.classes.join()}`),
    result.sites.map((s) => `${s.file}:${s.line} ${s.verdict} ${s.classes.join()}`),
  )
})

/** Pairs that differ in one line: the lifted test and the verdict follow the code. */
const pairs: readonly (readonly [string, string])[] = [
  ['window_copy_after_unlock.c', 'window_copy_before_unlock.c'],
  ['doorbell_end_first.c', 'doorbell_end_last.c'],
  ['mirror_no_retry.c', 'mirror_retry.c'],
  ['mirror_no_drop.c', 'mirror_retry.c'],
  ['mirror_retry_unlocked.c', 'mirror_retry.c'],
  ['peek_no_recheck.c', 'peek_recheck.c'],
  ['probe_unpin.c', 'probe_put.c'],
  ['receive_readonly_pin.c', 'receive_write_pin.c'],
  ['sampler_short_count.c', 'sampler_full_count.c'],
  ['snapshot_put_twice.c', 'snapshot_put_once.c'],
  ['import_undone_twice.c', 'import_undone_once.c'],
  ['import_put_first.c', 'import_put_last.c'],
  ['import_left_attached.c', 'import_detached.c'],
  ['import_puts_callers.c', 'import_leaves_callers.c'],
  ['import_wrong_direction.c', 'import_same_direction.c'],
  ['map_without_resv.c', 'map_under_resv.c'],
  ['export_fd_first.c', 'export_fd_last.c'],
  ['canvas_tagged_late.c', 'easel_tagged_first.c'],
  ['mover_ignored.c', 'mover_obeyed.c'],
  ['frames_private.c', 'frames_shared.c'],
  ['log_can_be_upgraded.c', 'log_stays_readonly.c'],
  ['registers_any_size.c', 'registers_one_page.c'],
  ['registers_any_size.c', 'registers_by_helper.c'],
  ['ring_can_grow.c', 'ring_cannot_grow.c'],
  ['rom_size_enlarged.c', 'rom_size_clamped.c'],
  ['buffer_close_only.c', 'buffer_open_and_close.c'],
  ['segment_freed_by_half.c', 'segment_not_split.c'],
  ['area_freed_mapped.c', 'area_zapped_first.c'],
  ['area_freed_mapped.c', 'area_counts_maps.c'],
  ['area_freed_mapped.c', 'area_freed_with_file.c'],
  ['frames_zapped_late.c', 'frames_zapped_locked.c'],
  ['shared_page_unbound.c', 'shared_page_stays.c'],
  ['stats_from_slab.c', 'stats_own_page.c'],
  ['status_from_slab.c', 'status_whole_page.c'],
  ['aperture_sum_wraps.c', 'aperture_begin_asked.c'],
  ['board_found_first.c', 'panel_taken_first.c'],
  ['range_after_unlock.c', 'range_before_unlock.c'],
  ['range_no_lock.c', 'range_callers_lock.c'],
  ['stats_from_vmalloc.c', 'stats_vmalloc_user.c'],
  ['region_pin_short.c', 'region_pin_long.c'],
  ['notify_get.c', 'notify_pin.c'],
  ['grabber_clean.c', 'grabber_dirty.c'],
  ['queue_unpins_all.c', 'queue_unpins_pinned.c'],
  ['packet_asks_kvec_wrong.c', 'parcel_asks_kvec.c'],
  ['batch_lost.c', 'quilt_chunk_by_chunk.c'],
  ['folder_asks_none.c', 'album_asks_each_page.c'],
  ['vault_one_caller_keeps.c', 'till_both_give_back.c'],
  ['deck_upgrade_one_half.c', 'deck_halves_differ.c'],
  ['canvas_filled_by_length.c', 'easel_length_compared.c'],
]
for (const [bad, good] of pairs)
  test(`${basename(bad, '.c')} is broken, its neighbour ${basename(good, '.c')} holds, and their lifted tests differ`, () => {
    const sites = (f: string): Site[] => result.sites.filter((s) => s.file === f)
    assert.ok(sites(bad).some((s) => s.verdict === 'broken'))
    assert.ok(sites(good).every((s) => s.verdict === 'holds'))
    const shape = (s: Site): string => s.litmus!.text.replaceAll(/\(\*[^]*?\*\)|\/\/.*$|^C .*$/gm, '')
    const wrong = shape(sites(bad).find((s) => s.verdict === 'broken')!)
    for (const s of sites(good)) assert.notEqual(shape(s), wrong)
  })

test('the same tree gives the same result', async () => {
  assert.deepEqual(await auditOf(folder), result)
})
