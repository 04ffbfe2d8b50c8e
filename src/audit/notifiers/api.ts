import type { Api } from '../things/api.ts'

/**
 * Calls that register MMU notifiers and unregister them. mm/mmu_notifier.c and include/linux/mmu_notifier.h of Linux 5.10, 6.1, 6.12 and
 * 7.2 were read for it; they have not changed in between.
 */
const table: readonly Api[] = [
  { name: 'mmu_notifier_register', role: { does: 'register', arg: 0 } },
  { name: '__mmu_notifier_register', role: { does: 'register', arg: 0 } },
  { name: 'mmu_interval_notifier_insert', role: { does: 'register', arg: 0 } },
  { name: 'mmu_interval_notifier_insert_locked', role: { does: 'register', arg: 0 } },
  { name: 'mmu_notifier_get', role: { does: 'get-notifier' } },
  { name: 'mmu_notifier_get_locked', role: { does: 'get-notifier' } },
  { name: 'mmu_notifier_unregister', role: { does: 'unregister', arg: 0 } },
  { name: 'mmu_notifier_put', role: { does: 'unregister', arg: 0 } },
  { name: 'mmu_interval_notifier_remove', role: { does: 'unregister', arg: 0 } },
]

export const apis: ReadonlyMap<string, Api> = new Map(table.map((a) => [a.name, a]))

/** Each of these is a site. */
export const registers: ReadonlyMap<string, Api> = new Map(
  table.filter((a) => a.role.does !== 'unregister').map((a) => [a.name, a]),
)
export const unregisters: readonly string[] = table
  .filter((a) => a.role.does === 'unregister')
  .map((a) => a.name)

/** Those that want the mmap_lock held for writing; the others take it. */
export const wantsLock = (name: string): boolean => name.startsWith('__') || name.endsWith('_locked')
/** The operation of the model: getting a notifier registers it. */
export const operation = (name: string): string =>
  name === 'mmu_notifier_get'
    ? 'mmu_notifier_register'
    : name === 'mmu_notifier_get_locked'
      ? '__mmu_notifier_register'
      : name
