import { type Expr, type Func, opsOf, visit } from '../../source/index.ts'
import type { Code } from '../code.ts'
import type { Module } from './carriers.ts'

/**
 * Who makes a function run: a system call of the process (`user`: an ioctl, the close of a file, the release of an object that user space
 * holds), the end of a transfer (`device`), an MMU notifier, the removal of a device or module, or somebody that was not found.
 */
export type By = 'user' | 'device' | 'notifier' | 'remove' | 'unseen'

/** Ops tables of the core whose functions run because user space asks, or lets go of what it holds. */
const userTables =
  /^(file_operations|proc_ops|vm_operations_struct|drm_gem_object_funcs|drm_driver|drm_ioctl_desc|dma_buf_ops|ib_device_ops|vb2_mem_ops|vb2_ops|v4l2_ioctl_ops|v4l2_file_operations|vfio_device_ops|vfio_iommu_driver_ops|iommufd_object_ops|proto_ops|proto|kvm_device_ops|block_device_operations|tty_operations|fb_ops|vdpa_config_ops|vhost_iotlb_ops|bpf_map_ops|xsk_buff_pool_ops|fuse_conn_ops|target_core_fabric_ops|uacce_ops|tee_driver_ops)$/
const notifierTables = /^mmu_(interval_)?notifier_ops$/
const removing =
  /^(remove|shutdown|exit|suspend|unbind|disconnect|detach|exit_net|kill_sb|put_super|hw_fini|sw_fini)$/
const deviceFields = /(callback|complete|completion|end_io|endio|irq|handler|done|isr|ki_complete)$/
/** Hands its function argument to the end of an object: it runs where this is called. */
const runsHere =
  /^(kref_put\w*|call_rcu\w*|queue_rcu_work|schedule_work|queue_work|xa_for_each|idr_for_each|list_sort|on_each_cpu\w*|drm_gem_\w+|dma_resv_\w+)$/
const atRemoval = /^(devm_add_action\w*|drmm_add_action\w*|module_exit|__exitcall)$/
const atInterrupt = /^(devm_)?request_(threaded_|any_context_)?irq$|^(timer_setup|hrtimer_\w+|tasklet_\w+)$/

const most = { depth: 6, functions: 60 }

/** Everybody who makes a function run, from the calls and tables of its module; `unseen` among them where one was not understood. */
export function entriesOf(
  code: Code,
  module: Module,
  func: Func,
): { by: ReadonlySet<By>; roots: ReadonlySet<Func> } {
  const by = new Set<By>()
  const roots = new Set<Func>()
  const seen = new Set<Func>([func])
  const queue: { func: Func; depth: number }[] = [{ func, depth: 0 }]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const inside = module.functions.includes(at.func)
    const up = inside ? callersOf(module, at.func) : []
    const tables = tablesWith(module, at.func)
    for (const t of tables) {
      by.add(t)
      roots.add(at.func)
    }
    const beyond =
      up.length === 0 && tables.length === 0 && (!inside || !at.func.static)
        ? code.callers(at.func).slice(0, 12)
        : []
    if (up.length + tables.length + beyond.length === 0) {
      by.add(/^(SYSCALL|COMPAT_SYSCALL)_DEFINE/.test(at.func.macro ?? '') ? 'user' : 'unseen')
      roots.add(at.func)
    }
    for (const f of [...up, ...beyond]) {
      if (seen.has(f)) continue
      seen.add(f)
      if (at.depth >= most.depth || seen.size > most.functions) by.add('unseen')
      else queue.push({ func: f, depth: at.depth + 1 })
    }
  }
  return { by, roots }
}

/** Functions of the module that call it, or hand it to what ends an object. */
function callersOf(module: Module, func: Func): Func[] {
  return module.functions.filter((f) => {
    if (f === func || (func.static && f.file !== func.file)) return false
    if (!f.file.source.text.slice(f.start, f.end).includes(func.name)) return false
    return module.expressions(f).some((outer) => {
      let found = false
      visit(outer, (e) => {
        if (e.kind !== 'call') return
        if (e.callee.kind === 'name' && e.callee.name === func.name) found = true
        else if (
          e.callee.kind === 'name' &&
          runsHere.test(e.callee.name) &&
          e.args.some((a) => isName(a, func.name))
        )
          found = true
      })
      return found
    })
  })
}

function tablesWith(module: Module, func: Func): By[] {
  const found: By[] = []
  for (const file of new Set([...module.files, func.file])) {
    if (func.static && file !== func.file) continue
    for (const o of opsOf(file)) if (o.func === func.name) found.push(kindOf(o.struct, o.field))
    for (const g of file.globals)
      if (g.value !== undefined)
        visit(g.value, (e) => {
          if (e.kind === 'call' && e.args.some((a) => isName(a, func.name)))
            found.push(kindOf(g.type.base.replace(/^struct /, ''), ''))
        })
    for (const i of file.invocations)
      if (i.args.some((a) => isName(a, func.name))) found.push(atRemoval.test(i.name) ? 'remove' : 'unseen')
  }
  const others = module.functions.includes(func) ? [] : func.file.functions
  for (const f of [...module.functions, ...others]) {
    if (func.static && f.file !== func.file) continue
    if (!f.file.source.text.slice(f.start, f.end).includes(func.name)) continue
    for (const outer of module.expressions(f))
      visit(outer, (e) => {
        if (e.kind === 'assign' && isName(e.value, func.name) && e.target.kind === 'member')
          found.push(
            deviceFields.test(e.target.field)
              ? 'device'
              : removing.test(e.target.field)
                ? 'remove'
                : 'unseen',
          )
        if (e.kind !== 'call' || e.callee.kind !== 'name' || !e.args.some((a) => isName(a, func.name))) return
        const { name } = e.callee
        if (name === func.name || runsHere.test(name)) return
        if (atRemoval.test(name)) found.push('remove')
        else if (atInterrupt.test(name)) found.push('device')
        else found.push('unseen')
      })
  }
  return found
}

function kindOf(struct: string, field: string): By {
  const last = field.split('.').at(-1) ?? ''
  if (notifierTables.test(struct)) return 'notifier'
  if (removing.test(last)) return 'remove'
  if (deviceFields.test(last)) return 'device'
  return userTables.test(struct) ? 'user' : 'unseen'
}

const isName = (e: Expr, name: string): boolean =>
  e.kind === 'name'
    ? e.name === name
    : (e.kind === 'unary' && e.op === '&') || e.kind === 'cast'
      ? isName(e.of, name)
      : false
