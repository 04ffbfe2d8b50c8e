import type { Op } from '../op.ts'
import { READ_ONCE } from './READ_ONCE.ts'
import { WRITE_ONCE } from './WRITE_ONCE.ts'
import { __get_user_pages } from './__get_user_pages.ts'
import { __mmu_notifier_register } from './__mmu_notifier_register.ts'
import { alloc_page } from './alloc_page.ts'
import { anon_inode_getfd } from './anon_inode_getfd.ts'
import { bo_free } from './bo_free.ts'
import { bo_free_nounmap } from './bo_free_nounmap.ts'
import { bo_get } from './bo_get.ts'
import { bo_move } from './bo_move.ts'
import { bo_move_nounmap } from './bo_move_nounmap.ts'
import { bo_put } from './bo_put.ts'
import { bo_validate } from './bo_validate.ts'
import { close } from './close.ts'
import { dma_buf_attach } from './dma_buf_attach.ts'
import { dma_buf_detach } from './dma_buf_detach.ts'
import { dma_buf_dynamic_attach } from './dma_buf_dynamic_attach.ts'
import { dma_buf_export } from './dma_buf_export.ts'
import { dma_buf_fd } from './dma_buf_fd.ts'
import { dma_buf_get } from './dma_buf_get.ts'
import { dma_buf_get_from_vma } from './dma_buf_get_from_vma.ts'
import { dma_buf_invalidate_mappings } from './dma_buf_invalidate_mappings.ts'
import { dma_buf_map_attachment } from './dma_buf_map_attachment.ts'
import { dma_buf_map_attachment_unlocked } from './dma_buf_map_attachment_unlocked.ts'
import { dma_buf_mmap } from './dma_buf_mmap.ts'
import { dma_buf_move_notify } from './dma_buf_move_notify.ts'
import { dma_buf_p2p_dma_map } from './dma_buf_p2p_dma_map.ts'
import { dma_buf_pin } from './dma_buf_pin.ts'
import { dma_buf_put } from './dma_buf_put.ts'
import { dma_buf_unmap } from './dma_buf_unmap.ts'
import { dma_buf_unmap_attachment } from './dma_buf_unmap_attachment.ts'
import { dma_buf_unmap_attachment_unlocked } from './dma_buf_unmap_attachment_unlocked.ts'
import { dma_buf_unpin } from './dma_buf_unpin.ts'
import { dma_fence_signal } from './dma_fence_signal.ts'
import { dma_map_page } from './dma_map_page.ts'
import { dma_map_pfn } from './dma_map_pfn.ts'
import { dma_read } from './dma_read.ts'
import { dma_resv_add_fence } from './dma_resv_add_fence.ts'
import { dma_resv_lock } from './dma_resv_lock.ts'
import { dma_resv_unlock } from './dma_resv_unlock.ts'
import { dma_unmap } from './dma_unmap.ts'
import { dma_unmap_page } from './dma_unmap_page.ts'
import { dma_write } from './dma_write.ts'
import { do_munmap } from './do_munmap.ts'
import { down_read } from './down_read.ts'
import { down_write } from './down_write.ts'
import { dump_user_range } from './dump_user_range.ts'
import { exit_mm } from './exit_mm.ts'
import { exit_to_user_mode } from './exit_to_user_mode.ts'
import { fd_install } from './fd_install.ts'
import { find_vma } from './find_vma.ts'
import { finish_fault } from './finish_fault.ts'
import { fixup_user_fault } from './fixup_user_fault.ts'
import { follow_pfn } from './follow_pfn.ts'
import { follow_pfn_longterm } from './follow_pfn_longterm.ts'
import { follow_pfnmap_end } from './follow_pfnmap_end.ts'
import { follow_pfnmap_start } from './follow_pfnmap_start.ts'
import { follow_phys } from './follow_phys.ts'
import { follow_pte } from './follow_pte.ts'
import { fork } from './fork.ts'
import { ftruncate } from './ftruncate.ts'
import { get_dma_buf } from './get_dma_buf.ts'
import { get_page } from './get_page.ts'
import { get_page_unless_zero } from './get_page_unless_zero.ts'
import { get_unused_fd_flags } from './get_unused_fd_flags.ts'
import { get_user_pages } from './get_user_pages.ts'
import { get_user_pages_fast } from './get_user_pages_fast.ts'
import { get_user_pages_remote } from './get_user_pages_remote.ts'
import { get_vaddr_frames } from './get_vaddr_frames.ts'
import { gup_fast } from './gup_fast.ts'
import { gup_fast_several } from './gup_fast_several.ts'
import { gup_longterm_locked } from './gup_longterm_locked.ts'
import { handle_mm_fault } from './handle_mm_fault.ts'
import { hmm_range_fault } from './hmm_range_fault.ts'
import { i_mmap_lock_read } from './i_mmap_lock_read.ts'
import { i_mmap_unlock_read } from './i_mmap_unlock_read.ts'
import { invalidate_importers } from './invalidate_importers.ts'
import { is_cow_mapping } from './is_cow_mapping.ts'
import { kernel_read } from './kernel_read.ts'
import { kernel_write } from './kernel_write.ts'
import { kfree } from './kfree.ts'
import { kmalloc } from './kmalloc.ts'
import { kref_get } from './kref_get.ts'
import { kref_put } from './kref_put.ts'
import { load } from './load.ts'
import { madvise } from './madvise.ts'
import { migrate_pages } from './migrate_pages.ts'
import { mlock } from './mlock.ts'
import { mm_populate } from './mm_populate.ts'
import { mmap } from './mmap.ts'
import { mmap_read_lock } from './mmap_read_lock.ts'
import { mmap_read_unlock } from './mmap_read_unlock.ts'
import { mmap_write_lock } from './mmap_write_lock.ts'
import { mmap_write_unlock } from './mmap_write_unlock.ts'
import { mmu_interval_notifier_insert } from './mmu_interval_notifier_insert.ts'
import { mmu_interval_notifier_insert_locked } from './mmu_interval_notifier_insert_locked.ts'
import { mmu_interval_notifier_remove } from './mmu_interval_notifier_remove.ts'
import { mmu_interval_read_begin } from './mmu_interval_read_begin.ts'
import { mmu_interval_read_retry } from './mmu_interval_read_retry.ts'
import { mmu_interval_set_seq } from './mmu_interval_set_seq.ts'
import { mmu_notifier_invalidate_range_end } from './mmu_notifier_invalidate_range_end.ts'
import { mmu_notifier_invalidate_range_start } from './mmu_notifier_invalidate_range_start.ts'
import { mmu_notifier_put } from './mmu_notifier_put.ts'
import { mmu_notifier_register } from './mmu_notifier_register.ts'
import { mmu_notifier_synchronize } from './mmu_notifier_synchronize.ts'
import { mmu_notifier_unregister } from './mmu_notifier_unregister.ts'
import { mprotect } from './mprotect.ts'
import { mremap } from './mremap.ts'
import { munlock } from './munlock.ts'
import { munmap } from './munmap.ts'
import { mutex_lock } from './mutex_lock.ts'
import { mutex_unlock } from './mutex_unlock.ts'
import { pfn_to_page } from './pfn_to_page.ts'
import { pfn_valid } from './pfn_valid.ts'
import { pin_user_pages } from './pin_user_pages.ts'
import { pin_user_pages_fast } from './pin_user_pages_fast.ts'
import { pin_user_pages_remote } from './pin_user_pages_remote.ts'
import { pread } from './pread.ts'
import { process_vm_readv } from './process_vm_readv.ts'
import { process_vm_writev } from './process_vm_writev.ts'
import { pte_unmap_unlock } from './pte_unmap_unlock.ts'
import { ptrace_peek } from './ptrace_peek.ts'
import { ptrace_poke } from './ptrace_poke.ts'
import { punch_hole } from './punch_hole.ts'
import { put_page } from './put_page.ts'
import { put_unused_fd } from './put_unused_fd.ts'
import { put_vaddr_frames } from './put_vaddr_frames.ts'
import { pwrite } from './pwrite.ts'
import { read_field } from './read_field.ts'
import { reclaim } from './reclaim.ts'
import { release_pages } from './release_pages.ts'
import { remap_pfn_range } from './remap_pfn_range.ts'
import { secondary_map } from './secondary_map.ts'
import { secondary_read } from './secondary_read.ts'
import { secondary_unmap } from './secondary_unmap.ts'
import { secondary_write } from './secondary_write.ts'
import { set_page_dirty_lock } from './set_page_dirty_lock.ts'
import { spin_lock } from './spin_lock.ts'
import { spin_unlock } from './spin_unlock.ts'
import { store } from './store.ts'
import { ttm_bo_move } from './ttm_bo_move.ts'
import { unmap_mapping_range } from './unmap_mapping_range.ts'
import { unpin_user_page } from './unpin_user_page.ts'
import { unpin_user_pages } from './unpin_user_pages.ts'
import { unpin_user_pages_dirty_lock } from './unpin_user_pages_dirty_lock.ts'
import { up_read } from './up_read.ts'
import { up_write } from './up_write.ts'
import { vfio_pci_dma_buf_move } from './vfio_pci_dma_buf_move.ts'
import { vm_flags_clear } from './vm_flags_clear.ts'
import { vm_flags_set } from './vm_flags_set.ts'
import { vm_insert_pages } from './vm_insert_pages.ts'
import { vma_lookup } from './vma_lookup.ts'
import { vma_test } from './vma_test.ts'
import { vmf_insert_pfn } from './vmf_insert_pfn.ts'
import { writeback } from './writeback.ts'
import { zap_vma_ptes } from './zap_vma_ptes.ts'

const all: readonly Op[] = [
  READ_ONCE,
  WRITE_ONCE,
  __get_user_pages,
  __mmu_notifier_register,
  alloc_page,
  anon_inode_getfd,
  bo_free,
  bo_free_nounmap,
  bo_get,
  bo_move,
  bo_move_nounmap,
  bo_put,
  bo_validate,
  close,
  dma_buf_attach,
  dma_buf_detach,
  dma_buf_dynamic_attach,
  dma_buf_export,
  dma_buf_fd,
  dma_buf_get,
  dma_buf_get_from_vma,
  dma_buf_invalidate_mappings,
  dma_buf_map_attachment,
  dma_buf_map_attachment_unlocked,
  dma_buf_mmap,
  dma_buf_move_notify,
  dma_buf_p2p_dma_map,
  dma_buf_pin,
  dma_buf_put,
  dma_buf_unmap,
  dma_buf_unmap_attachment,
  dma_buf_unmap_attachment_unlocked,
  dma_buf_unpin,
  dma_fence_signal,
  dma_map_page,
  dma_map_pfn,
  dma_read,
  dma_resv_add_fence,
  dma_resv_lock,
  dma_resv_unlock,
  dma_unmap,
  dma_unmap_page,
  dma_write,
  do_munmap,
  down_read,
  down_write,
  dump_user_range,
  exit_mm,
  exit_to_user_mode,
  fd_install,
  find_vma,
  finish_fault,
  fixup_user_fault,
  follow_pfn,
  follow_pfn_longterm,
  follow_pfnmap_end,
  follow_pfnmap_start,
  follow_phys,
  follow_pte,
  fork,
  ftruncate,
  get_dma_buf,
  get_page,
  get_page_unless_zero,
  get_unused_fd_flags,
  get_user_pages,
  get_user_pages_fast,
  get_user_pages_remote,
  get_vaddr_frames,
  gup_fast,
  gup_fast_several,
  gup_longterm_locked,
  handle_mm_fault,
  hmm_range_fault,
  i_mmap_lock_read,
  i_mmap_unlock_read,
  invalidate_importers,
  is_cow_mapping,
  kernel_read,
  kernel_write,
  kfree,
  kmalloc,
  kref_get,
  kref_put,
  load,
  madvise,
  migrate_pages,
  mlock,
  mm_populate,
  mmap,
  mmap_read_lock,
  mmap_read_unlock,
  mmap_write_lock,
  mmap_write_unlock,
  mmu_interval_notifier_insert,
  mmu_interval_notifier_insert_locked,
  mmu_interval_notifier_remove,
  mmu_interval_read_begin,
  mmu_interval_read_retry,
  mmu_interval_set_seq,
  mmu_notifier_invalidate_range_end,
  mmu_notifier_invalidate_range_start,
  mmu_notifier_put,
  mmu_notifier_register,
  mmu_notifier_synchronize,
  mmu_notifier_unregister,
  mprotect,
  mremap,
  munlock,
  munmap,
  mutex_lock,
  mutex_unlock,
  pfn_to_page,
  pfn_valid,
  pin_user_pages,
  pin_user_pages_fast,
  pin_user_pages_remote,
  pread,
  process_vm_readv,
  process_vm_writev,
  pte_unmap_unlock,
  ptrace_peek,
  ptrace_poke,
  punch_hole,
  put_page,
  put_unused_fd,
  put_vaddr_frames,
  pwrite,
  read_field,
  reclaim,
  release_pages,
  remap_pfn_range,
  secondary_map,
  secondary_read,
  secondary_unmap,
  secondary_write,
  set_page_dirty_lock,
  spin_lock,
  spin_unlock,
  store,
  ttm_bo_move,
  unmap_mapping_range,
  unpin_user_page,
  unpin_user_pages,
  unpin_user_pages_dirty_lock,
  up_read,
  up_write,
  vfio_pci_dma_buf_move,
  vm_flags_clear,
  vm_flags_set,
  vm_insert_pages,
  vma_lookup,
  vma_test,
  vmf_insert_pfn,
  writeback,
  zap_vma_ptes,
]

/** Every operation by name, alphabetically. To add one, add a file and two lines. */
export const ops: ReadonlyMap<string, Op> = new Map(all.map((op) => [op.name, op]))
