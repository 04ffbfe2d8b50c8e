import type { Id } from '../../state/index.ts'
import { EBADF } from '../constants.ts'
import { fdOf, get_file } from '../mm/dma_buf.ts'
import { op } from '../op.ts'

export const dma_buf_get = op({
  name: 'dma_buf_get',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_get',
  doc: 'Takes a reference to the dma-buf behind a file descriptor (or behind the first one of a dma-buf): -EBADF when there is none.',
  args: { named: 'dma_buf?', fd: 'int?', buf: '&dma_buf?' },
  returns: 'errno',
  steps: {
    get(k, me) {
      let file = me.named
      if (file === undefined) {
        const id = fdOf(k, me.fd)
        file = id === undefined ? undefined : k.fd(id).file
      } else if (!published(k.config.fdSlots, (i) => k.fd(i as Id<'fd'>).file, file)) file = undefined
      if (file === undefined) return k.done(-EBADF)
      get_file(k, file)
      k.dma_buf(file).gets += 1
      k.outThing(me.buf, file)
      return k.done(0)
    },
  },
})

function published<T>(slots: number, fileOf: (slot: number) => T | undefined, file: T): boolean {
  for (let i = 0; i < slots; i++) if (fileOf(i) === file) return true
  return false
}
