import type { Func } from '../../source/index.ts'
import type { Code } from '../code.ts'

/** Whether the reservation lock of a dma-buf is held where a function is called. */
export type LockAbove =
  /** Nobody above it takes it, up to where user space or the core comes in without it. */
  | { readonly held: 'no'; readonly entry: string }
  /** The core calls it with the lock held. */
  | { readonly held: 'yes'; readonly contract: string }
  | { readonly held: 'unknown'; readonly why: string }

const most = { up: 6, functions: 40 }

/** Callbacks that the core calls with the lock held. Documentation/driver-api/dma-buf.rst, drm_gem.h, ttm_device.h. */
const locked: readonly (readonly [string, string])[] = [
  ['dma_buf_ops', 'map_dma_buf'],
  ['dma_buf_ops', 'unmap_dma_buf'],
  ['dma_buf_ops', 'pin'],
  ['dma_buf_ops', 'unpin'],
  ['dma_buf_ops', 'vmap'],
  ['dma_buf_ops', 'vunmap'],
  ['dma_buf_attach_ops', 'move_notify'],
  ['dma_buf_attach_ops', 'invalidate_mappings'],
  ['drm_gem_object_funcs', 'pin'],
  ['drm_gem_object_funcs', 'unpin'],
  ['drm_gem_object_funcs', 'vmap'],
  ['drm_gem_object_funcs', 'vunmap'],
  ['ttm_bo_driver', 'ttm_tt_populate'],
  ['ttm_bo_driver', 'ttm_tt_unpopulate'],
  ['ttm_bo_driver', 'move'],
  ['ttm_device_funcs', 'move'],
  ['ttm_device_funcs', 'ttm_tt_populate'],
  ['ttm_device_funcs', 'ttm_tt_unpopulate'],
]
/** Those that it calls without. */
const unlocked: readonly (readonly [string, string])[] = [
  ['file_operations', 'unlocked_ioctl'],
  ['file_operations', 'release'],
  ['file_operations', 'write'],
  ['drm_driver', 'gem_prime_import'],
  ['drm_driver', 'postclose'],
  ['drm_driver', 'open'],
  ['drm_gem_object_funcs', 'free'],
  ['vb2_mem_ops', 'attach_dmabuf'],
  ['vb2_mem_ops', 'map_dmabuf'],
  ['vb2_mem_ops', 'unmap_dmabuf'],
  ['vb2_mem_ops', 'detach_dmabuf'],
  ['dma_buf_ops', 'attach'],
  ['dma_buf_ops', 'detach'],
  ['dma_buf_ops', 'mmap'],
  ['dma_buf_ops', 'release'],
]

/** A function that takes the lock, or one that may be it under another name, or asserts it. */
const takes =
  /\b(dma_resv_\w*lock\w*|dma_resv_assert_held|drm_exec_\w+|ttm_bo_\w*reserve\w*|ttm_eu_\w+|ww_mutex_\w+|\w+_(un)?reserve\w*|\w*resv_(un)?lock\w*|\w+_bo_(un)?lock\w*|\w+object_(un)?lock\w*|\w*validation_guard\w*|lockdep_assert_held)\b/

/** Looks at the callers of a function, and at theirs, up to where control comes in. */
export function lockAbove(code: Code, func: Func): LockAbove {
  const seen = new Set<Func>([func])
  let level: Func[] = [func]
  let contract: string | undefined
  let doubt: string | undefined
  for (let up = 0; level.length > 0; up++) {
    if (up > most.up || seen.size > most.functions) {
      doubt ??= 'it needs the reservation lock, and it has more callers than are followed'
      break
    }
    const next: Func[] = []
    for (const f of level) {
      const text = f.file.source.text.slice(f.start, f.end)
      // Where it is itself in sight, what it takes has been seen.
      const taken = takes.exec(f === func ? text.replaceAll(/\bdma_resv_(un)?lock\w*/g, '') : text)
      if (taken !== null) {
        doubt ??= `it needs the reservation lock, and whether ${f.name}() holds it by ${taken[1]}() is not seen`
        continue
      }
      const core = locked.find(([s, field]) => code.fills(s, field, f.name))
      if (core !== undefined) {
        contract ??= `${core[0]}.${core[1]} is called with the reservation lock held`
        continue
      }
      // Nobody on the way from here has taken it.
      if (unlocked.some(([s, field]) => code.fills(s, field, f.name)) || isIoctl(f) || isEntry(code, f))
        return { held: 'no', entry: f.name }
      const callers = [...code.callers(f), ...droppers(code, f)].filter((c) => !seen.has(c))
      if (callers.length === 0)
        doubt ??= `it needs the reservation lock, and how ${f.name}() is called is not seen`
      for (const c of callers) {
        seen.add(c)
        next.push(c)
      }
    }
    level = next
  }
  if (doubt !== undefined) return { held: 'unknown', why: doubt }
  return contract === undefined
    ? { held: 'unknown', why: `it needs the reservation lock, and how ${func.name}() is called is not seen` }
    : { held: 'yes', contract }
}

/** It has the shape of DRM's ioctls: the core calls these without. */
const isIoctl = (func: Func): boolean =>
  func.params.length === 3 &&
  func.params[0]!.type.base === 'struct drm_device' &&
  func.params[1]!.type.base === 'void' &&
  func.params[2]!.type.base === 'struct drm_file'

/** A work, or what a driver gives the core for when its device comes and goes. */
function isEntry(code: Code, func: Func): boolean {
  const given = new RegExp(
    `INIT_(DELAYED_)?WORK\\([^;]*\\b${func.name}\\b|\\.(probe|remove|shutdown|disconnect)\\s*=\\s*${func.name}\\b`,
  )
  return code.moduleWith(func.file, func.name).some((f) => given.test(f.source.text))
}

/** Functions that drop the last reference, which calls it. */
function droppers(code: Code, func: Func): Func[] {
  const drops = new RegExp(`kref_put\\w*\\([^;]*\\b${func.name}\\b`)
  return code
    .moduleWith(func.file, func.name)
    .flatMap((f) => f.functions.filter((g) => drops.test(f.source.text.slice(g.start, g.end))))
}
