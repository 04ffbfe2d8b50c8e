import { EAGAIN, EFAULT, EINVAL, ENOMEM } from '../constants.ts'
import { lock, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { apply_vma_lock_flags } from '../mm/mlock.ts'
import { blocked, op } from '../op.ts'
import { mm_populate } from './mm_populate.ts'

export const mlock = op({
  name: 'mlock',
  source: 'mm/mlock.c:do_mlock',
  doc: 'Faults pages in, and keeps them from being reclaimed: 0, or an errno. Special mappings are passed over without a word.',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', pages: 'int' },
  returns: 'errno',
  calls: () => [mm_populate],
  takes: { vma: 2, each: 1 },
  steps: {
    flags(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.addr < 0 || me.pages < 0) return k.done(-EINVAL)
      if (me.pages === 0) return k.done(0)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      const error = apply_vma_lock_flags(k, mm, me.addr, me.addr + me.pages, true)
      mmap_unlock(k, mm, me.thread)
      if (error !== 0) return k.done(error)
      return k.call(mm_populate, 'populated', mm, me.addr, me.addr + me.pages)
    },
    // __mlock_posix_error_return()
    populated: (k, me) => k.done(me.ret === -EFAULT ? -ENOMEM : me.ret === -ENOMEM ? -EAGAIN : me.ret),
  },
})
