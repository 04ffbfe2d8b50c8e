import type { Hop } from '../result.ts'
import type { Way } from './audit.ts'
import type { MapPlan, Question } from './lift.ts'
import type { Insertion } from './walk.ts'

export const classes: Readonly<Record<Question, string>> = {
  size: 'no-size-check',
  offset: 'no-size-check',
  private: 'cow-mapping',
  grow: 'missing-dontexpand',
  upgrade: 'mprotect-upgrade',
  copy: 'no-open-close',
  freed: 'freed-while-mapped',
  memory: 'wrong-memory',
}
export const said: Readonly<Record<string, string>> = {
  'no-size-check':
    'The length or the offset that the user chose is not compared with what is mapped, on one way through the code.',
  'page-count-overflow':
    'The offset that the user chose is added to where the memory begins, and the end of that is compared: near the top of the numbers the sum wraps, and passes.',
  'cow-mapping': 'A private mapping is not refused, and its fault handler inserts bare PFNs: a BUG.',
  'missing-dontexpand':
    'The mapping may be grown by mremap(), and the fault handler does not compare the offset with the object.',
  'mprotect-upgrade':
    'Writable mappings are refused, and VM_MAYWRITE stays: mprotect() makes a readable one writable.',
  'no-open-close':
    'Each mapping that goes gives up in ->close what a copy of it has not taken in ->open: fork and a partial munmap() make such copies.',
  'freed-while-mapped': 'What is mapped without references is freed, and its mappings stay.',
  'inconsistent-flags':
    'Bare PFNs are inserted into a mapping that is neither VM_PFNMAP nor VM_MIXEDMAP, or both.',
}

type Fix = { readonly name: string; readonly text: string; apply(p: MapPlan): MapPlan }

const takeAway: Fix = {
  name: 'zap-first',
  text: 'Take the mappings away before the memory is freed: unmap_mapping_range() on the inode that all opens share.',
  apply: (p) => ({ ...p, ...(p.freed && { freed: { ...p.freed, how: 'zap' } }) }),
}
const refuseFirst: Fix = {
  name: 'refuse-and-zap',
  text: 'Let the fault handler refuse, under a lock that whoever frees takes too, and take the mappings away before the memory is freed.',
  apply: (p) => ({ ...p, ...(p.freed && { freed: { ...p.freed, how: 'refuse' } }) }),
}
const holdIt: Fix = {
  name: 'hold-by-mapping',
  text: 'Let each mapping hold a reference: take it in mmap and in ->open, drop it in ->close, and free with the last one.',
  apply: (p) => ({
    ...p,
    ...(p.freed && {
      freed: { ...p.freed, how: 'put' },
      counts: { mmap: true, own: false, open: true, closeAt: p.at, how: 'fork' },
    }),
  }),
}

const checkSize: Fix = {
  name: 'check-size',
  text: 'Compare the offset and the length with the object before anything is mapped, or use vm_iomap_memory(), which does.',
  apply: (p) => ({
    ...p,
    wraps: false,
    checksSize: true,
    checksOffset: true,
    ...(p.faults && { faults: { ...p.faults, checks: true } }),
  }),
}

export const repairs: Readonly<Record<string, readonly Fix[]>> = {
  'no-size-check': [checkSize],
  'page-count-overflow': [checkSize],
  'missing-dontexpand': [
    {
      name: 'dontexpand',
      text: 'Set VM_DONTEXPAND, or give VM_FAULT_SIGBUS behind the end of the object.',
      apply: (p) => ({ ...p, sets: [...p.sets, 'VM_DONTEXPAND'] }),
    },
  ],
  'mprotect-upgrade': [
    {
      name: 'clear-maywrite',
      text: 'Clear VM_MAYWRITE where writable mappings are refused.',
      apply: (p) => ({ ...p, clears: [...p.clears, 'VM_MAYWRITE'] }),
    },
  ],
  'no-open-close': [
    {
      name: 'take-in-open',
      text: 'Take in ->open what ->close gives up, and take the first one in mmap.',
      apply: (p) => ({ ...p, ...(p.counts && { counts: { ...p.counts, mmap: true, open: true } }) }),
    },
  ],
  'cow-mapping': [
    {
      name: 'refuse-cow',
      text: 'Refuse is_cow_mapping(vma->vm_flags) with -EINVAL.',
      apply: (p) => ({ ...p, refusesPrivate: true }),
    },
  ],
  'inconsistent-flags': [
    {
      name: 'pfnmap',
      text: 'Set VM_PFNMAP, and not VM_MIXEDMAP.',
      apply: (p) => ({ ...p, sets: [...p.sets.filter((f) => f !== 'VM_MIXEDMAP'), 'VM_PFNMAP'] }),
    },
  ],
  'freed-while-mapped': [takeAway, refuseFirst, holdIt],
  'no-revocation': [takeAway, refuseFirst],
  'wrong-memory': [
    {
      name: 'whole-pages',
      text: 'Allocate whole pages, cleared: vmalloc_user() for remap_vmalloc_range(), or alloc_pages_exact() with __GFP_ZERO.',
      apply: (p) => ({ ...p, memory: 'pages' }),
    },
  ],
}

export function sentence(way: Way): string {
  const { plan, inserted } = way
  if (plan.refuses) return 'It refuses every mapping.'
  if (inserted.length === 0) return 'It inserts nothing itself.'
  const { fate } = way
  const by = [
    ...new Set(inserted.map((i) => `${i.api.replace(/^->/, '->')}${i.api.startsWith('vmf->') ? '' : '()'}`)),
  ].join(', ')
  return `What ${by} maps stays within the object, for every length and offset, private or shared, grown or made writable later.${lives(fate)}`
}

/** How long the memory lives, as far as that is known. */
function lives(fate: Way['fate']): string {
  switch (fate?.is) {
    case 'kept':
      return ` Mapped, it lives: ${fate.why}.`
    case 'zapped':
      return ` Before it is freed its mappings are taken away (${fate.route.zaps!.file}:${fate.route.zaps!.line}).`
    case 'device':
      return fate.unallocated === undefined
        ? ' It is memory of the device, which nobody else gets.'
        : ` Nobody is seen to allocate ${fate.unallocated}: it is taken for memory of the device, which nobody else gets.`
    default:
      return ''
  }
}

export function guardOf(ways: readonly Way[]): string {
  const [way] = ways
  if (way === undefined) return 'unknown'
  const { plan, inserted } = way
  const has = (f: string): boolean => plan.sets.includes(f)
  const helper = inserted.find((i) => i.helper.checks === 'full')
  return (
    [
      helper !== undefined ? `length checked by ${helper.api}` : plan.checksSize ? 'length checked' : '',
      plan.faults?.checks ? 'offset checked at each fault' : '',
      has('VM_PFNMAP') || has('VM_DONTEXPAND') ? 'it cannot grow' : '',
      plan.refusesPrivate ? 'private mappings refused' : '',
      plan.clears.includes('VM_MAYWRITE') ? 'never writable' : '',
      way.fate?.is === 'device' ? 'not revoked' : '',
    ]
      .filter((x) => x !== '')
      .join(', ') || 'nothing that is seen'
  )
}

export function hops(inserted: readonly Insertion[]): Hop[] {
  const seen = new Map<string, Hop>()
  for (const i of inserted)
    seen.set(`${i.at.file}:${i.at.line}`, { file: i.at.file, line: i.at.line, text: `mapped by ${i.api}` })
  return [...seen.values()]
}

/** Who frees what is mapped, and what is missing. */
export function freedSentence(way: Way): string {
  const { fate } = way
  if (fate?.is === 'wrong')
    return fate.how === 'slab'
      ? way.inserted.some((i) => i.api === 'vmf->page')
        ? `It is allocated from the slab allocator (${fate.at.file}:${fate.at.line}): a reference to its page, which a fault takes, does not keep it, nor is the page its own.`
        : `It is allocated from the slab allocator (${fate.at.file}:${fate.at.line}), in a size that fills no page: what else is in the page is mapped with it.`
      : `It comes from vmalloc() (${fate.at.file}:${fate.at.line}), of which virt_to_phys() and virt_to_page() know nothing: frames of somebody else are mapped.`
  if (fate?.is === 'zapped')
    return `${fate.route.api}() in ${fate.route.at.func}() frees it (${fate.route.entry.text}): its mappings are taken away first, and a fault, which takes no lock, can bring one back in between.`
  if (fate?.is !== 'freed') return said['freed-while-mapped']!
  const { api, at, entry } = fate.route
  const what =
    api === 'devres'
      ? 'Devres frees it when the driver is unbound'
      : `${api}${api.includes('(') ? '' : '()'} in ${at.func}() frees it${fate.by === 'removal' ? ' when the driver is unbound' : ''} (${entry.text})`
  return `${what}: its mappings are not taken away first, and nothing asks whether there are any.`
}

export function freedAt(ways: readonly Way[]): Hop[] {
  const freed = ways.flatMap(({ fate }) =>
    fate?.is === 'freed' || fate?.is === 'zapped' ? [fate.route] : [],
  )
  const seen = new Map<string, Hop>()
  for (const { at, api } of freed)
    seen.set(`${at.file}:${at.line}`, { file: at.file, line: at.line, text: `freed by ${api}` })
  return [...seen.values()]
}
