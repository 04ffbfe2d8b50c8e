import {
  EFAULT,
  ENOMEM,
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_WRITE,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
} from '../constants.ts'
import { down_read, mmap_lock } from '../mm/locks.ts'
import { vma_lookup } from '../mm/vmas.ts'
import { blocked, op } from '../op.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'

export const fixup_user_fault = op({
  name: 'fixup_user_fault',
  source: 'mm/gup.c:fixup_user_fault',
  doc: 'Faults a page in as the process would. With `unlocked` it may drop the mmap_lock meanwhile and says so: every VMA must be looked up again.',
  needs: ['mmap_lock', 'may sleep'],
  args: { mm: 'mm?', addr: 'addr', flags: 'flags?', unlocked: '&int?' },
  returns: 'errno',
  calls: () => [handle_mm_fault],
  takes: { pfn: 1 },
  steps: {
    look(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)!
      const id = vma_lookup(k, mm, me.addr)
      if (id === undefined) return k.done(-EFAULT)
      const vma = k.vma(id)
      const write = (me.flags & FAULT_FLAG_WRITE) !== 0
      if (write ? !vma.VM_WRITE : !vma.VM_READ) return k.done(-EFAULT)
      const may = me.unlocked === undefined ? 0 : FAULT_FLAG_ALLOW_RETRY
      return k.call(handle_mm_fault, 'handled', id, me.addr, (me.flags & FAULT_FLAG_WRITE) | may)
    },
    handled(k, me) {
      if ((me.ret & VM_FAULT_RETRY) !== 0) return 'relock'
      if (me.ret !== 0) return k.done((me.ret & VM_FAULT_OOM) !== 0 ? -ENOMEM : -EFAULT)
      return k.done(0)
    },
    relock(k, me) {
      const mm = me.mm ?? k.currentMm(me.thread)!
      if (!down_read(k, mmap_lock(k, mm), me.thread)) return blocked
      k.out(me.unlocked, 1)
      return 'look'
    },
  },
})
