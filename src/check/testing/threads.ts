import { flag, type Id, Layout, ref, upTo } from '../../state/index.ts'
import type { Build } from './agree.ts'

/**
 * Threads that run little programs over locks and one counter. `lock 0` waits for a lock and takes it; `look 0` and
 * `grab 0` do so in two steps, which is wrong; `load` and `store` add one to the counter, also in two steps; `take`
 * takes any free lock.
 */
export type Instruction = readonly [
  op: 'lock' | 'unlock' | 'look' | 'grab' | 'load' | 'store' | 'take' | 'drop',
  lock?: number,
]
export type Program = readonly Instruction[]

export const threadsLayout = (
  threads: number,
  locks: number,
  symmetric: 'threads' | 'both' | 'none' = 'none',
) =>
  new Layout({
    sets: {
      thread: { size: threads, symmetric: symmetric !== 'none' },
      lock: { size: locks, symmetric: symmetric === 'both' },
    },
    tables: {
      task: {
        by: ['thread'],
        cols: { pc: upTo(15), seen: upTo(15), free: flag, took: ref('lock') },
      },
      lock: { by: ['lock'], cols: { owner: ref('thread') } },
      shared: { by: [], cols: { counter: upTo(15) } },
    },
  })

type ThreadsTables = ReturnType<typeof threadsLayout>['tables']

/** One program per thread. Two owners of one lock at a time are the violation `exclusion`. */
export const threads =
  (
    layout: ReturnType<typeof threadsLayout>,
    programs: readonly Program[],
    daemons: readonly number[] = [],
  ): Build<ThreadsTables> =>
  (rows, state) => ({
    layout,
    state,
    actors: programs.map((_, t) => ({ name: `T${t}`, daemon: daemons.includes(t) })),
    init() {},
    step(actor, choose, violate) {
      const me = actor as Id<'thread'>
      const task = rows.task(me)
      const next = programs[actor]![task.pc]
      if (next === undefined) return 'ended'
      const [op, n = 0] = next
      const { shared } = rows
      const lock = n < layout.sets.lock.size ? rows.lock(n as Id<'lock'>) : undefined
      switch (op) {
        case 'lock':
          if (lock!.owner !== undefined) return 'blocked'
          lock!.owner = me
          break
        case 'unlock':
          lock!.owner = undefined
          break
        case 'look':
          task.free = lock!.owner === undefined
          if (!task.free) return 'blocked'
          break
        case 'grab':
          if (lock!.owner !== undefined)
            violate({ code: 'exclusion', detail: `T${actor} takes lock ${n} of T${lock!.owner}` })
          lock!.owner = me
          task.free = false
          break
        case 'load':
          task.seen = shared().counter
          break
        case 'store':
          shared().counter = task.seen + 1
          break
        case 'take': {
          const id = choose(layout.sets.lock.size) as Id<'lock'>
          if (rows.lock(id).owner !== undefined || task.took !== undefined) return 'blocked'
          rows.lock(id).owner = me
          task.took = id
          break
        }
        case 'drop':
          if (task.took !== undefined) rows.lock(task.took).owner = undefined
          task.took = undefined
          break
      }
      task.pc++
      return 'moved'
    },
    label: (actor) => {
      const next = programs[actor]![rows.task(actor as Id<'thread'>).pc]
      return { name: next?.join(' ') ?? 'end' }
    },
    observe: () => `counter=${rows.shared().counter}`,
  })
