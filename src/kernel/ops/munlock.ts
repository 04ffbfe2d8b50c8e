import { EINVAL } from '../constants.ts'
import { lock, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { apply_vma_lock_flags } from '../mm/mlock.ts'
import { blocked, op } from '../op.ts'

export const munlock = op({
  name: 'munlock',
  source: 'mm/mlock.c:munlock',
  doc: 'Undoes mlock().',
  needs: ['current mm', 'may sleep'],
  args: { addr: 'addr', pages: 'int' },
  returns: 'errno',
  takes: { vma: 2 },
  steps: {
    flags(k, me) {
      const mm = k.currentMm(me.thread)!
      if (me.addr < 0 || me.pages < 0) return k.done(-EINVAL)
      if (me.pages === 0) return k.done(0)
      if (!lock(k, mmap_lock(k, mm), me.thread)) return blocked
      const error = apply_vma_lock_flags(k, mm, me.addr, me.addr + me.pages, false)
      mmap_unlock(k, mm, me.thread)
      return k.done(error)
    },
  },
})
