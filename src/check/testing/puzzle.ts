import { type Id, Layout, upTo } from '../../state/index.ts'
import type { Build } from './agree.ts'

/** A sliding puzzle: one hole among numbered tiles, which slide into it. One actor that never needs to stop. */
export const puzzleLayout = (width: number, height: number) =>
  new Layout({
    sets: { square: { size: width * height } },
    tables: { board: { by: ['square'], cols: { tile: upTo(width * height - 1) } } },
  })

type PuzzleTables = ReturnType<typeof puzzleLayout>['tables']

/** `from` are the tiles row by row, 0 the hole. Reaching `goal` is reported as the violation `solved`. */
export const puzzle =
  (
    layout: ReturnType<typeof puzzleLayout>,
    width: number,
    from: readonly number[],
    goal?: readonly number[],
  ): Build<PuzzleTables> =>
  (rows, state) => {
    const squares = layout.ids('square')
    const height = squares.length / width
    return {
      layout,
      state,
      actors: [{ name: 'player', daemon: true }],
      init: () => squares.forEach((s) => (rows.board(s).tile = from[s]!)),
      step(_, choose) {
        const hole = squares.find((s) => rows.board(s).tile === 0)!
        const [dx, dy] = [[0, -1] as const, [0, 1] as const, [-1, 0] as const, [1, 0] as const][choose(4)]!
        const x = (hole % width) + dx
        const y = Math.floor(hole / width) + dy
        if (x < 0 || x >= width || y < 0 || y >= height) return 'blocked'
        const tile = rows.board((y * width + x) as Id<'square'>)
        rows.board(hole).tile = tile.tile
        tile.tile = 0
        return 'moved'
      },
      label: () => ({ name: 'slide' }),
      check(violate) {
        if (goal !== undefined && squares.every((s) => rows.board(s).tile === goal[s]))
          violate({ code: 'solved', detail: goal.join(' ') })
      },
    }
  }
