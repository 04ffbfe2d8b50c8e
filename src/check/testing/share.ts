import { enums, flag, type Id, Layout, type Rows, ref, upTo } from '../../state/index.ts'
import type { Choose, Model, Violate } from '../model.ts'

/**
 * Two address spaces share frames by fault, munmap, fork, copy-on-write, lockless pin, unpin and reclaim. Checked in
 * every state: no PTE and no pin names a frame whose count is zero. The same model exists for Spin, TLC and Rumur
 * (`share.pml` and its kin), with these numbers of distinct states for NV, NF, NPIN:
 *
 *     2, 3, 1     110,039
 *     3, 3, 1     939,527
 *     3, 4, 1  10,495,174
 */
export type ShareSize = {
  readonly pages: number
  readonly frames: number
  readonly pins: number
  /** 1: the lockless pin does not test for a count of zero. 2: it takes no reference, as a look-up of a bare PFN. */
  readonly bug?: 0 | 1 | 2
}

export const shareLayout = ({ pages, frames, pins }: ShareSize) =>
  new Layout({
    sets: { mm: { size: 2 }, vpn: { size: pages }, pfn: { size: frames }, pin: { size: pins } },
    tables: {
      pte: { by: ['mm', 'vpn'], cols: { pfn: ref('pfn'), write: flag } },
      page: { by: ['pfn'], cols: { refcount: upTo(15) } },
      pin: {
        by: ['mm', 'pin'],
        cols: { state: enums('idle', 'looked', 'got'), pfn: ref('pfn'), vpn: ref('vpn') },
      },
      world: { by: [], cols: { forked: flag } },
    },
  })

type ShareTables = ReturnType<typeof shareLayout>['tables']
type Pfn = Id<'pfn'>
type Went = 'moved' | 'blocked'

/** Each address space is an actor, and reclaim is one. None has to end. */
export function share(
  size: ShareSize,
  open?: (layout: ReturnType<typeof shareLayout>) => Rows<ShareTables>,
): Model {
  const layout = shareLayout(size)
  const state = layout.buffer()
  const k = open?.(layout) ?? layout.open(state)
  const mms = layout.ids('mm')
  const [parent, child] = mms as [Id<'mm'>, Id<'mm'>]
  const vpns = layout.ids('vpn')
  const pfns = layout.ids('pfn')
  const pins = layout.ids('pin')
  const untested = size.bug === 1
  const counted = size.bug !== 2

  const lowestFree = (): Pfn | undefined => {
    for (const pfn of pfns) if (k.page(pfn).refcount === 0) return pfn
    return undefined
  }

  /**
   * What may happen at one page of an address space: a fault where nothing is mapped, else munmap, or a write that
   * breaks the sharing.
   */
  function touch(mm: Id<'mm'>, vpn: Id<'vpn'>, choose: Choose): Went {
    const pte = k.pte(mm, vpn)
    const old = pte.pfn
    if (old === undefined) {
      const pfn = lowestFree()
      if (pfn === undefined) return 'blocked'
      k.page(pfn).refcount = 1
      pte.pfn = pfn
      pte.write = true
    } else if (pte.write || choose(2) === 0) {
      k.page(old).refcount -= 1
      pte.pfn = undefined
      pte.write = false
    } else {
      if (k.page(old).refcount !== 1) {
        const pfn = lowestFree()
        if (pfn === undefined) return 'blocked'
        k.page(pfn).refcount = 1
        k.page(old).refcount -= 1
        pte.pfn = pfn
      }
      pte.write = true
    }
    return 'moved'
  }

  /**
   * The next step of a lockless pin: read the PTE, take a reference if there is one to take, read the PTE again;
   * later, unpin.
   */
  function advance(mm: Id<'mm'>, id: Id<'pin'>, choose: Choose, violate: Violate): Went {
    const pin = k.pin(mm, id)
    const pfn = pin.pfn
    switch (pin.state) {
      case 'idle': {
        if (pfn !== undefined) {
          if (counted) k.page(pfn).refcount -= 1
          pin.pfn = undefined
          return 'moved'
        }
        const at = vpns[choose(vpns.length)]!
        const found = k.pte(mm, at).pfn
        if (found === undefined) return 'blocked'
        pin.pfn = found
        pin.vpn = at
        pin.state = 'looked'
        return 'moved'
      }
      case 'looked': {
        const page = k.page(pfn!)
        if (page.refcount === 0 && !untested) {
          pin.pfn = undefined
          pin.vpn = undefined
          pin.state = 'idle'
          return 'moved'
        }
        if (page.refcount === 0)
          violate({ code: 'use-after-free', detail: `pin takes the free frame ${pfn}` })
        if (counted) page.refcount += 1
        pin.state = 'got'
        return 'moved'
      }
      case 'got':
        if (k.pte(mm, pin.vpn!).pfn !== pfn) {
          if (counted) k.page(pfn!).refcount -= 1
          pin.pfn = undefined
        }
        pin.vpn = undefined
        pin.state = 'idle'
        return 'moved'
    }
  }

  /** The child gets the parent's pages, read-only in both. */
  function fork(): Went {
    k.world().forked = true
    for (const vpn of vpns) {
      const from = k.pte(parent, vpn)
      const to = k.pte(child, vpn)
      if (to.pfn !== undefined) k.page(to.pfn).refcount -= 1
      if (from.pfn !== undefined) k.page(from.pfn).refcount += 1
      to.pfn = from.pfn
      to.write = false
      from.write = false
    }
    return 'moved'
  }

  /** Frees a frame that only PTEs hold. */
  function reclaim(pfn: Pfn): Went {
    const page = k.page(pfn)
    if (page.refcount === 0) return 'blocked'
    let mapped = 0
    for (const mm of mms) for (const vpn of vpns) if (k.pte(mm, vpn).pfn === pfn) mapped++
    if (mapped !== page.refcount) return 'blocked'
    for (const mm of mms)
      for (const vpn of vpns) {
        const pte = k.pte(mm, vpn)
        if (pte.pfn !== pfn) continue
        pte.pfn = undefined
        pte.write = false
      }
    page.refcount = 0
    return 'moved'
  }

  return {
    layout,
    state,
    actors: [...mms.map((mm) => `mm${mm}`), 'reclaim'].map((name) => ({ name, daemon: true })),
    init() {},
    step(actor, choose, violate) {
      if (actor === mms.length) return reclaim(pfns[choose(pfns.length)]!)
      const mm = mms[actor]!
      const mayFork = mm === parent && !k.world().forked
      const rule = choose(vpns.length + pins.length + (mayFork ? 1 : 0))
      if (rule < vpns.length) return touch(mm, vpns[rule]!, choose)
      const pin = pins[rule - vpns.length]
      return pin === undefined ? fork() : advance(mm, pin, choose, violate)
    },
    label: (actor) => ({ name: actor === mms.length ? 'reclaim' : 'run' }),
    check(violate) {
      for (const mm of mms) {
        for (const vpn of vpns) {
          const { pfn } = k.pte(mm, vpn)
          if (pfn !== undefined && k.page(pfn).refcount === 0)
            violate({
              code: 'use-after-free',
              detail: `the pte of mm${mm} page ${vpn} names the free frame ${pfn}`,
            })
        }
        for (const id of pins) {
          const pin = k.pin(mm, id)
          if (pin.state === 'idle' && pin.pfn !== undefined && k.page(pin.pfn).refcount === 0)
            violate({
              code: 'use-after-free',
              detail: `pin ${id} of mm${mm} names the free frame ${pin.pfn}`,
            })
        }
      }
    },
  }
}
