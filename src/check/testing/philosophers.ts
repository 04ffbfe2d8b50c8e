import { enums, type Id, Layout, ref } from '../../state/index.ts'
import type { Build } from './agree.ts'

/**
 * Philosophers who take two forks each out of one bowl, one after the other, eat, and put both back. All are alike,
 * and so are the forks.
 */
export const philosophersLayout = (philosophers: number, forks: number) =>
  new Layout({
    sets: {
      philosopher: { size: philosophers, symmetric: true },
      fork: { size: forks, symmetric: true },
    },
    tables: {
      philosopher: {
        by: ['philosopher'],
        cols: { is: enums('hungry', 'waiting', 'eating', 'full'), left: ref('fork'), right: ref('fork') },
      },
      fork: { by: ['fork'], cols: { holder: ref('philosopher') } },
    },
  })

type PhilosophersTables = ReturnType<typeof philosophersLayout>['tables']

export const philosophers =
  (layout: ReturnType<typeof philosophersLayout>): Build<PhilosophersTables> =>
  (rows, state) => ({
    layout,
    state,
    actors: layout.ids('philosopher').map((p) => ({ name: `philosopher ${p}` })),
    init() {},
    step(actor, choose, violate) {
      const me = actor as Id<'philosopher'>
      const self = rows.philosopher(me)
      switch (self.is) {
        case 'hungry':
        case 'waiting': {
          const fork = choose(layout.sets.fork.size) as Id<'fork'>
          if (rows.fork(fork).holder !== undefined) return 'blocked'
          rows.fork(fork).holder = me
          if (self.is === 'hungry') {
            self.left = fork
            self.is = 'waiting'
          } else {
            self.right = fork
            self.is = 'eating'
          }
          const hands = layout.ids('philosopher').filter((p) => rows.philosopher(p).is === 'eating')
          if (hands.length > 1)
            violate({ code: 'company', detail: hands.map((p) => `philosopher ${p}`).join(' and ') })
          return 'moved'
        }
        case 'eating':
          rows.fork(self.left!).holder = undefined
          rows.fork(self.right!).holder = undefined
          self.left = undefined
          self.right = undefined
          self.is = 'full'
          return 'moved'
        case 'full':
          return 'ended'
      }
    },
    label: (actor) => ({ name: rows.philosopher(actor as Id<'philosopher'>).is }),
    observe: () => 'all are full',
  })
