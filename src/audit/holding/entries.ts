import { type CFile, type Expr, type Func, opsOf } from '../../source/index.ts'
import type { Code } from '../code.ts'
import { eachExpr, eachStmt } from '../each.ts'
import { tagOf, typeOf } from '../ways/types.ts'

/** How control gets into a module, and so who decides when something ends. */
export type Entry = {
  readonly by: 'user' | 'device' | 'work' | 'notifier' | 'removal' | 'other'
  /** `card_release() of file_operations.release`. */
  readonly text: string
  /** It is called where sleeping is forbidden. */
  readonly atomic?: true
}

const most = { depth: 8, functions: 60 }

/** Tables of the core whose functions a process calls. */
const userTables =
  /^(struct )?(file_operations|vm_operations_struct|dma_buf_ops|drm_driver|drm_ioctl_desc|drm_gem_object_funcs|vb2_mem_ops|v4l2_ioctl_ops|v4l2_file_operations|vfio_iommu_driver_ops|vfio_device_ops|ib_device_ops|kvm_device_ops|snd_pcm_ops|proto_ops|proto|tty_operations|block_device_operations|fb_ops|address_space_operations|super_operations|\w*ioctl\w*)$/
const removals = /^(remove|disconnect|shutdown|reset_prepare|error_detected|uninit|exit)$/
const interrupts = /^(devm_)?request_(threaded_|any_context_)?irq$|^pci_request_irq$|^free_irq$/
const later =
  /^(INIT_(DELAYED_)?WORK|INIT_RCU_WORK|__?INIT_\w+|kthread_(run|create)\w*|tasklet_(init|setup)|timer_setup|hrtimer_(init|setup)|call_rcu\w*|task_work_add|init_task_work|io_schedule\w*)$/
const softirq = /^(tasklet_(init|setup)|timer_setup|hrtimer_setup|call_rcu)$/
const completions =
  /^(callback|complete|completion|end_io|bi_end_io|done|isr|irq_handler|handler|func|function)$/

/**
 * Whatever leads to a function: the tables, interrupts and work items that it is put into, up through direct calls. The functions in
 * between come with it.
 */
export class Entries {
  readonly #code: Code
  readonly #mentions = new Map<string, readonly Mention[]>()
  constructor(code: Code) {
    this.#code = code
  }

  of(func: Func): readonly Entry[] {
    const entries = new Map<string, Entry>()
    const { all, cut } = this.above(func)
    for (const f of all)
      for (const m of this.#of(f)) entries.set(`${m.by} ${m.text}`, { by: m.by, text: m.text })
    if (cut) entries.set('cut', { by: 'other', text: 'callers that are not followed' })
    return [...entries.values()]
  }

  /** By whom it is called itself, other than by name: the core, which holds no lock of a process. */
  entered(func: Func): string | undefined {
    return this.#of(func).find((m) => m.by === 'user' || m.by === 'device' || m.by === 'work')?.text
  }

  /** Where it is called and may not sleep: by an interrupt, a timer, a tasklet, and nothing on the way asks or puts it off. */
  atomic(func: Func): string | undefined {
    const { all } = this.above(func)
    const asks = /\b(in_(interrupt|atomic|task|irq|softirq)|irqs_disabled|preemptible)\s*\(/
    if (all.some((f) => asks.test(f.file.source.text.slice(f.start, f.end)))) return undefined
    for (const f of all) for (const m of this.#of(f)) if (m.atomic === true) return m.text
    return undefined
  }

  /** It and all that call it, directly or not. */
  above(func: Func): { readonly all: readonly Func[]; readonly cut: boolean } {
    const all = [func]
    const files = new Set(this.#code.moduleFiles(func.file))
    let cut = false
    let level: Func[] = [func]
    for (let depth = 0; level.length > 0 && depth < most.depth; depth++) {
      const next: Func[] = []
      for (const f of level)
        for (const c of this.callers(f)) {
          if (!files.has(c.file.path) && c.file.path !== func.file.path) {
            cut = true
            continue
          }
          if (all.includes(c) || next.includes(c)) continue
          next.push(c)
        }
      if (all.length + next.length > most.functions) return { all, cut: true }
      all.push(...next)
      level = next
    }
    return { all, cut }
  }

  /** Those that call it, also by `kref_put(&x->ref, it)`, which does so on the spot. */
  callers(func: Func): readonly Func[] {
    const put = this.uses(func).flatMap((m) => (m.calls === undefined ? [] : [m.calls]))
    return [...new Set([...this.#code.callers(func), ...put, ...this.#throughTables(func)])]
  }

  /** Those of the module that call `x->ops->field()` of the struct in whose table it stands. */
  #throughTables(func: Func): readonly Func[] {
    return this.uses(func).flatMap(({ by, slot }) => {
      if (by !== 'other' || slot === undefined) return []
      const { struct, field } = slot
      const calls = (g: Func): boolean => {
        if (g === func || !g.file.source.text.slice(g.start, g.end).includes(`->${field}(`)) return false
        let found = false
        eachStmt(g.body.stmts, (outer) =>
          eachExpr(outer, (e) => {
            if (e.kind !== 'call' || e.callee.kind !== 'member' || e.callee.field !== field) return
            if (tagOf(typeOf(this.#code, g, e.callee.base)) === struct) found = true
          }),
        )
        return found
      }
      return this.#code.moduleWith(func.file, field).flatMap((f) => f.functions.filter(calls))
    })
  }

  #of(func: Func): readonly Mention[] {
    return this.uses(func).filter((m) => m.calls === undefined)
  }

  /** Where it is handed to somebody who will call it. */
  uses(func: Func): readonly Mention[] {
    const key = `${func.file.path} ${func.name}`
    let found = this.#mentions.get(key)
    if (found === undefined) {
      found = (
        func.static && func.file.path.endsWith('.c')
          ? [func.file]
          : this.#code.moduleWith(func.file, func.name)
      ).flatMap((f) => mentionsIn(f, func.name))
      this.#mentions.set(key, found)
    }
    return found
  }
}

export type Mention = Entry & {
  readonly calls?: Func
  /** Of a table: where it stands there. */
  readonly slot?: { readonly struct: string; readonly field: string }
}

/** Where a file hands a function to somebody who will call it. */
function mentionsIn(file: CFile, name: string): Mention[] {
  const found: Mention[] = []
  const text = (how: string): string => `${name}() of ${how}`
  for (const o of opsOf(file))
    if (o.func === name) {
      const by = userTables.test(o.struct)
        ? 'user'
        : /mmu_(interval_)?notifier_ops/.test(o.struct)
          ? 'notifier'
          : removals.test(o.field)
            ? 'removal'
            : completions.test(o.field)
              ? 'device'
              : 'other'
      const struct = o.struct.replace(/^struct /, '')
      found.push({ by, text: text(`${struct}.${o.field}`), slot: { struct, field: o.field } })
    }
  // Tables that are written with macros: `DRM_IOCTL_DEF_DRV(CREATE, create, 0)`.
  for (const g of file.globals)
    if (g.value !== undefined)
      eachExpr(g.value, (e) => {
        if (e.kind === 'call' && e.args.some((a) => isName(a, name)))
          found.push({
            by: userTables.test(g.type.base) || /IOCTL/.test(calleeOf(e)) ? 'user' : 'other',
            text: text(g.name),
          })
      })
  for (const i of file.invocations)
    if (i.args.some((a) => isName(a, name)))
      found.push({
        by: /exit/.test(i.name)
          ? 'removal'
          : /initcall|module_init|EXPORT_SYMBOL/.test(i.name)
            ? 'other'
            : /DEFINE|SYSCALL/.test(i.name)
              ? 'user'
              : 'other',
        text: text(i.name),
      })
  const word = new RegExp(`\\b${name}\\b`)
  for (const func of file.functions) {
    if (func.name === name) {
      if (func.macro?.includes('SYSCALL') === true) found.push({ by: 'user', text: `${name}, a system call` })
      continue
    }
    if (!word.test(file.source.text.slice(func.start, func.end))) continue
    eachStmt(func.body.stmts, (outer) =>
      eachExpr(outer, (e) => {
        if (e.kind === 'assign' && isName(e.value, name) && e.target.kind === 'member') {
          const { field } = e.target
          found.push({
            by: completions.test(field) ? 'device' : 'other',
            text: text(`->${field}`),
          })
        }
        if (e.kind !== 'call' || !e.args.some((a) => isName(a, name))) return
        const callee = calleeOf(e)
        if (/^k?ref(count)?_put|^drm_\w+_put$/.test(callee)) {
          found.push({ by: 'other', text: callee, calls: func })
          return
        }
        const by = interrupts.test(callee) ? 'device' : later.test(callee) ? 'work' : 'other'
        // The thread of an interrupt comes behind its handler, and may sleep.
        const handler = e.args.findIndex((a) => isName(a, name)) === (callee.startsWith('devm_') ? 2 : 1)
        const atomic = (/request_(threaded_)?irq$/.test(callee) && handler) || softirq.test(callee)
        found.push({ by, text: text(`${callee}()`), ...(atomic && { atomic: true as const }) })
      }),
    )
  }
  return found
}

const isName = (e: Expr, name: string): boolean =>
  (e.kind === 'name' && e.name === name) || (e.kind === 'unary' && e.op === '&' && isName(e.of, name))
const calleeOf = (e: Expr & { kind: 'call' }): string => (e.callee.kind === 'name' ? e.callee.name : '')
