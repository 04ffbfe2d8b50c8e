import { funcKey, type Func, type Program, type Reference } from '../source/index.ts'
import type { AuditResult, Site } from './result.ts'

/** Who can hold a page, and for how long (`tenure holders`). Schema of its JSON. */
export const holdersSchemaVersion = 1

export type Holders = {
  readonly schema: typeof holdersSchemaVersion
  readonly tool: AuditResult['tool']
  readonly tree: AuditResult['tree']
  readonly holders: readonly Holder[]
  readonly problems: AuditResult['problems']
}

export type Holder = {
  readonly file: string
  readonly line: number
  readonly function: string
  readonly api: string
  readonly kind: string
  readonly flags: readonly string[]
  /** `undecided`: the audit does not see where it is given back. */
  readonly hold: Site['hold'] | 'undecided'
  readonly reason?: string
  /** What a user does that takes it. Empty: no way to a user was found. */
  readonly takenBy: readonly Action[]
  readonly releases: readonly Release[]
}

export type Release = {
  readonly file: string
  readonly line: number
  readonly function: string
  readonly api: string
  /** `followed`: the audit followed the page to here. `module`: such calls of the module; which of them it is was not followed. */
  readonly how: 'followed' | 'module'
  readonly by: readonly Action[]
}

/** An entry into the code: in words, and what in the code says so. */
export type Action = { readonly what: string; readonly because: string }

/** What gives back what a call took. A PFN that is only looked up holds nothing, and nothing gives it back. */
function releasesFor({ kind, api }: Site): readonly string[] | undefined {
  if (kind === 'page-pin')
    return [
      'unpin_user_page',
      'unpin_user_pages',
      'unpin_user_pages_dirty_lock',
      'unpin_user_page_range_dirty_lock',
      'unpin_folio',
      'unpin_folios',
      'unpin_user_folio',
    ]
  if (kind === 'page-get') return ['put_page', 'folio_put', 'folio_put_refs', 'release_pages']
  return api === 'get_vaddr_frames' ? ['put_vaddr_frames'] : undefined
}

/** From the sites of an audit, those where something is held when the call that took it is over, or may be. */
export function holders(program: Program, result: AuditResult): Holders {
  const entries = new Entries(program)
  const found: Holder[] = []
  for (const s of result.sites) {
    const names = releasesFor(s)
    if (names === undefined) continue
    const hold = s.verdict === 'unknown' ? 'undecided' : s.hold
    if (hold === 'synchronous') continue
    const own = functionAt(program, s.file, s.line)
    found.push({
      file: s.file,
      line: s.line,
      function: s.function,
      api: s.api,
      kind: s.kind,
      flags: s.flags,
      hold,
      ...(s.reason !== undefined && { reason: s.reason }),
      takenBy: own === undefined ? [] : entries.of(own),
      releases: releasesOf(program, s, names, entries),
    })
  }
  const { schema: _, tool, tree, problems } = { ...result }
  return { schema: holdersSchemaVersion, tool, tree, holders: found, problems }
}

function releasesOf(program: Program, s: Site, names: readonly string[], entries: Entries): Release[] {
  const out: Release[] = []
  for (const h of s.escapes) {
    const api = /^(?:given|taken) back(?: by |: )(\w+)/.exec(h.text)?.[1]
    if (api === undefined) continue
    const func = functionAt(program, h.file, h.line)
    if (func === undefined || out.some((r) => r.file === h.file && r.line === h.line)) continue
    out.push({
      file: h.file,
      line: h.line,
      function: func.name,
      api,
      how: 'followed',
      by: entries.of(func),
    })
  }
  if (out.length > 0) return out
  // Files that only share a directory are no module.
  const { files, by } = program.module(s.file)
  for (const path of by === 'makefile' && files.includes(s.file) ? files : [s.file]) {
    const file = program.file(path)
    for (const func of file?.functions ?? []) {
      const text = file!.source.text.slice(func.start, func.end)
      const calls = names
        .filter((api) => func.mentions(api))
        .map((api) => ({ api, at: text.search(new RegExp(`\\b${api}\\s*\\(`)) }))
        .filter((c) => c.at >= 0)
        .sort((a, b) => a.at - b.at)
      const [first] = calls
      if (first === undefined) continue
      out.push({
        file: path,
        line: file!.source.position(func.start + first.at).line,
        function: func.name,
        api: first.api,
        how: 'module',
        by: entries.of(func),
      })
    }
  }
  return out
}

const functionAt = (program: Program, path: string, line: number): Func | undefined =>
  program.file(path)?.functions.find((f) => f.file.source.position(f.start).line <= line && line <= f.endLine)

/** So many functions are looked at on the way up from one. */
const most = 40

/** The ways into a function: up through its callers, until something outside calls. */
class Entries {
  readonly #program: Program
  readonly #known = new Map<string, readonly Action[]>()
  constructor(program: Program) {
    this.#program = program
  }

  of(func: Func): readonly Action[] {
    const key = funcKey(func)
    let known = this.#known.get(key)
    if (known === undefined) {
      known = this.#find(func)
      this.#known.set(key, known)
    }
    return known
  }

  #find(func: Func): readonly Action[] {
    const found = new Map<string, Action>()
    const seen = new Set([funcKey(func)])
    const waiting = [func]
    const add = (what: string, because: string): void =>
      void found.set(`${what} ${because}`, { what, because })
    for (let f = waiting.shift(); f !== undefined; f = waiting.shift()) {
      const call = /^(?:compat_)?sys_(\w+)$/.exec(f.name)
      if (call !== null && f.macro !== undefined) {
        add(`${call[1]!}()`, `${f.macro}(${call[1]!})`)
        continue
      }
      const references = this.#references(f)
      for (const r of references) {
        if (r.kind === 'ops') {
          const { struct, field, table } = r.entry
          add(actionOf(struct, field), `.${field} of ${table}`)
        } else if (r.kind === 'invocation') {
          if (/EXPORT|MODULE_/.test(r.macro)) continue
          add(actions[r.macro] ?? r.macro, r.macro)
        } else if (r.kind === 'call') this.#up(r.func, seen, waiting)
        else if (r.kind === 'argument') {
          const name = r.call.callee.kind === 'name' ? r.call.callee.name : ''
          // kref_put(&x->ref, release): it runs where it is passed.
          if (/(_put|_put_\w+|for_each\w*|_walk\w*|on_each\w*)$/.test(name)) this.#up(r.func, seen, waiting)
          else add(actions[name] ?? `through ${name}()`, `${name}() in ${r.func.name}()`)
        } else if (r.kind === 'assign') add('a callback', `set in ${r.func.name}()`)
      }
    }
    return [...found.values()].sort((a, b) => (a.what + a.because < b.what + b.because ? -1 : 1))
  }

  #up(func: Func, seen: Set<string>, waiting: Func[]): void {
    const key = funcKey(func)
    if (seen.has(key) || seen.size >= most) return
    seen.add(key)
    waiting.push(func)
  }

  /** Where the name stands, as far as it means this function. A name that is everywhere is not followed. */
  #references(func: Func): readonly Reference[] {
    const inFile = func.static && !func.file.path.endsWith('.h')
    if (!inFile && this.#program.filesWith(func.name).length > 60) return []
    const all = this.#program.references(func.name)
    return all.filter((r) => {
      const at =
        r.kind === 'ops'
          ? r.entry.file.path
          : r.kind === 'macro'
            ? r.macro.file.path
            : r.kind === 'invocation'
              ? r.file.path
              : r.func.file.path
      return !inFile || at === func.file.path
    })
  }
}

function actionOf(struct: string, field: string): string {
  const vidioc = /^vidioc_(?!default)(\w+)$/.exec(field)?.[1]
  return (
    actions[`${struct}.${field}`] ??
    actions[`.${field}`] ??
    (vidioc === undefined ? `${struct}.${field}` : `VIDIOC_${vidioc.toUpperCase()}`)
  )
}

/** What somebody does so that an entry is called. By table and field, by field alone, or by the function that it is passed to. */
const actions: Readonly<Record<string, string>> = {
  'file_operations.open': 'open()',
  'file_operations.release': 'the last close()',
  'file_operations.flush': 'close()',
  'file_operations.unlocked_ioctl': 'ioctl()',
  'file_operations.compat_ioctl': 'ioctl()',
  'file_operations.mmap': 'mmap()',
  'file_operations.mmap_prepare': 'mmap()',
  'file_operations.read': 'read()',
  'file_operations.read_iter': 'read()',
  'file_operations.write': 'write()',
  'file_operations.write_iter': 'write()',
  'file_operations.uring_cmd': 'an io_uring command',
  'vm_operations_struct.close': 'munmap() or the end of the process',
  'vm_operations_struct.fault': 'a page fault',
  'proto_ops.sendmsg': 'sendmsg()',
  'proto_ops.recvmsg': 'recvmsg()',
  'proto_ops.setsockopt': 'setsockopt()',
  'proto_ops.release': 'the last close() of the socket',
  'vb2_mem_ops.get_userptr': 'VIDIOC_QBUF of user memory',
  'vb2_mem_ops.put_userptr': 'VIDIOC_QBUF of other memory, VIDIOC_REQBUFS, or the last close()',
  'vb2_mem_ops.attach_dmabuf': 'VIDIOC_QBUF of a dma-buf',
  'ib_device_ops.reg_user_mr': 'registering a memory region (verbs)',
  'ib_device_ops.dereg_mr': 'deregistering a memory region (verbs)',
  'dma_buf_ops.map_dma_buf': 'an importer of the dma-buf maps it',
  'dma_buf_ops.unmap_dma_buf': 'the importer of the dma-buf unmaps it',
  'dma_buf_ops.release': 'the last reference to the dma-buf goes',
  'mmu_interval_notifier_ops.invalidate': 'the process changes that memory (MMU notifier)',
  'mmu_notifier_ops.release': 'the process ends',
  'mmu_notifier_ops.invalidate_range_start': 'the process changes that memory (MMU notifier)',
  'drm_gem_object_funcs.free': 'the last handle to the GEM object goes',
  'drm_driver.postclose': 'the last close()',
  'target_core_fabric_ops.release_cmd': 'the command ends',
  'vfio_iommu_driver_ops.pin_pages': 'a mediated device asks',
  'vfio_iommu_driver_ops.ioctl': 'ioctl() on the vfio container',
  'vfio_iommu_driver_ops.release': 'the last close() of the vfio container',
  '.remove': 'the device goes away',
  '.shutdown': 'the machine goes down',
  '.suspend': 'suspend',
  '.ioctl': 'ioctl()',
  '.unlocked_ioctl': 'ioctl()',
  '.fb_ioctl': 'ioctl()',
  '.vidioc_default': 'ioctl()',
  '.open': 'open()',
  '.read': 'read()',
  '.fb_read': 'read()',
  '.write': 'write()',
  '.fb_write': 'write()',
  '.mmap': 'mmap()',
  '.fb_mmap': 'mmap()',
  INIT_WORK: 'a work item',
  INIT_DELAYED_WORK: 'a work item',
  timer_setup: 'a timer',
  request_irq: 'an interrupt',
  request_threaded_irq: 'an interrupt',
  devm_request_irq: 'an interrupt',
  call_rcu: 'behind a grace period of RCU',
  init_task_work: 'on the way back to user space',
  module_exit: 'the module is unloaded',
  module_init: 'the module is loaded',
}
