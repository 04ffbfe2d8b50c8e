import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_WRITE,
  SIGBUS,
  SIGSEGV,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
} from '../constants.ts'
import { check_private_store } from '../invariants/fork_isolation.ts'
import { reach } from '../mm/access.ts'
import { check_object } from '../mm/driver.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { pte_mkdirty, pte_offset } from '../mm/ptes.ts'
import { vm_io_refused, vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'

export const store = op({
  name: 'store',
  source: 'arch/x86/mm/fault.c:do_user_addr_fault',
  doc: 'A process writes to its memory: 0, or SIGSEGV or SIGBUS.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', value: 'int' },
  returns: 'int',
  calls: () => [handle_mm_fault],
  takes: { pfn: 1 },
  quiet: ['handled'],
  steps: {
    // The processor: no lock, only what the page table says.
    access(k, me) {
      const pte = pte_offset(k, k.currentMm(me.thread)!, me.addr)
      if (pte === undefined || !pte.present || !pte.write) return 'fault'
      reach(
        k,
        pte.pfn!,
        pte.stale,
        `${k.threadName(me.thread)} writes to ${k.addrName(k.currentMm(me.thread)!, me.addr)} and reaches`,
      )
      check_object(k, me.thread, k.currentMm(me.thread)!, me.addr, pte, true)
      if (!pte.special && !pte.stale) check_private_store(k, me.thread, k.currentMm(me.thread)!, pte.pfn!)
      pte_mkdirty(k, pte)
      k.page(pte.pfn!).data = me.value
      return k.done(0)
    },
    fault(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      const vma = vma_lookup(k, mm, me.addr)
      if (vma === undefined || !k.vma(vma).VM_WRITE) {
        mmap_unlock(k, mm, me.thread)
        return k.done(SIGSEGV)
      }
      if (vm_io_refused(k, vma)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(SIGSEGV)
      }
      return k.call(handle_mm_fault, 'handled', vma, me.addr, FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_WRITE)
    },
    handled(k, me) {
      // With VM_FAULT_RETRY the lock is gone already.
      if ((me.ret & VM_FAULT_RETRY) !== 0) return 'access'
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return me.ret === 0 || me.ret === VM_FAULT_OOM ? 'access' : k.done(SIGBUS)
    },
  },
})
