import { op } from '../op.ts'

export const exit_to_user_mode = op({
  name: 'exit_to_user_mode',
  source: 'include/linux/entry-common.h:exit_to_user_mode',
  doc: 'The system call ends. What it still has pinned it keeps until user space asks again, which may be never.',
  args: {},
  steps: {
    leave(k, me) {
      for (const pfn of k.pfns) {
        const page = k.page(pfn)
        const zone = k.zone[pfn]
        if (page.pins <= page.longterm || (zone !== 'cma' && zone !== 'movable')) continue
        k.violate(
          'longterm-movable',
          `${k.threadName(me.thread)} goes back to user space with ${k.pfnName(pfn)} pinned without FOLL_LONGTERM, in ${zone === 'cma' ? 'CMA' : 'ZONE_MOVABLE'}`,
        )
      }
      return k.done()
    },
  },
})
