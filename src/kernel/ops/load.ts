import { FAULT_FLAG_ALLOW_RETRY, SIGBUS, SIGSEGV, VM_FAULT_OOM, VM_FAULT_RETRY } from '../constants.ts'
import { reach } from '../mm/access.ts'
import { check_object } from '../mm/driver.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { pte_offset, pte_protnone } from '../mm/ptes.ts'
import { vm_io_refused, vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'

export const load = op({
  name: 'load',
  source: 'arch/x86/mm/fault.c:do_user_addr_fault',
  doc: 'A process reads its memory: the value, or SIGSEGV or SIGBUS.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr' },
  returns: 'int',
  calls: () => [handle_mm_fault],
  takes: { pfn: 1 },
  quiet: ['handled'],
  steps: {
    // The processor: no lock, only what the page table says.
    access(k, me) {
      const mm = k.currentMm(me.thread)!
      const pte = pte_offset(k, mm, me.addr)
      if (pte === undefined || !pte.present || pte_protnone(k, mm, me.addr)) return 'fault'
      reach(
        k,
        pte.pfn!,
        pte.stale,
        `${k.threadName(me.thread)} reads ${k.addrName(k.currentMm(me.thread)!, me.addr)} and reaches`,
      )
      check_object(k, me.thread, mm, me.addr, pte, false)
      return k.done(k.page(pte.pfn!).data)
    },
    fault(k, me) {
      const mm = k.currentMm(me.thread)!
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      const vma = vma_lookup(k, mm, me.addr)
      // access_error(): what may be written may be read, the processor has no other way.
      if (vma === undefined || !(k.vma(vma).VM_READ || k.vma(vma).VM_WRITE)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(SIGSEGV)
      }
      if (vm_io_refused(k, vma)) {
        mmap_unlock(k, mm, me.thread)
        return k.done(SIGSEGV)
      }
      return k.call(handle_mm_fault, 'handled', vma, me.addr, FAULT_FLAG_ALLOW_RETRY)
    },
    handled(k, me) {
      // With VM_FAULT_RETRY the lock is gone already.
      if ((me.ret & VM_FAULT_RETRY) !== 0) return 'access'
      mmap_unlock(k, k.currentMm(me.thread)!, me.thread)
      return me.ret === 0 || me.ret === VM_FAULT_OOM ? 'access' : k.done(SIGBUS)
    },
  },
})
