import { FOLL_LONGTERM, FOLL_WRITE } from '../constants.ts'
import { needs_dirty_tracking, page_mapping } from '../mm/files.ts'
import { page_anon } from '../mm/frames.ts'
import { down_read, mmap_lock, mmap_unlock } from '../mm/locks.ts'
import { pte_offset, pte_protnone, vm_normal_page } from '../mm/ptes.ts'
import { blocked, op } from '../op.ts'
import { __get_user_pages, give, longterm_pinnable, take } from './__get_user_pages.ts'

export const gup_fast = op({
  name: 'gup_fast',
  source: 'mm/gup.c:gup_fast_fallback',
  doc: 'GUP without the mmap_lock, for one page: walks the page table, and takes the slow path when that does not do.',
  args: { mm: 'mm', addr: 'addr', flags: 'flags', pin: 'int', page: '&page?', vec: '&frames?' },
  returns: 'int',
  calls: () => [__get_user_pages],
  internal: true,
  takes: { pfn: 1 },
  steps: {
    // Walk, grab and recheck are one step here: a grab that the recheck takes back leaves nothing behind. No VMA is seen.
    walk(k, me) {
      if (me.pin !== 0) k.mm(me.mm).has_pinned = true
      const pte = pte_offset(k, me.mm, me.addr)
      if (pte === undefined || !pte.present || pte.special || pte_protnone(k, me.mm, me.addr)) return 'slow'
      const write = (me.flags & FOLL_WRITE) !== 0
      const longterm = (me.flags & FOLL_LONGTERM) !== 0
      const page = vm_normal_page(pte)!
      if (write && !pte.write) return 'slow'
      if (longterm && !longterm_pinnable(k, page)) return 'slow'
      const anon = page_anon(k, page)
      if (me.pin !== 0 && !pte.write) {
        if (anon && k.has('gup-unshare') && !k.page(page).exclusive) return 'slow'
        if (!anon && k.has('gup-unshare-file') && longterm) return 'slow'
      }
      // gup_fast_folio_allowed(): a page without a mapping might be secret memory for all that it can tell.
      if (!anon && k.has('gup-fast-needs-mapping')) {
        const file = page_mapping(k, page)
        if (file === undefined) return 'slow'
        // Nor does it see whether a page of a file may be written without asking its file system.
        if (longterm && write && me.pin !== 0 && k.has('gup-longterm-files') && needs_dirty_tracking(k, file))
          return 'slow'
      }
      take(k, me, page, longterm)
      give(k, me, page, !write)
      return k.done(1)
    },
    slow(k, me) {
      if (!down_read(k, mmap_lock(k, me.mm), me.thread)) return blocked
      return k.call(__get_user_pages, 'unlock', me.mm, me.addr, me.flags, me.pin, me.page, me.vec)
    },
    unlock(k, me) {
      mmap_unlock(k, me.mm, me.thread)
      return k.done(me.ret)
    },
  },
})
