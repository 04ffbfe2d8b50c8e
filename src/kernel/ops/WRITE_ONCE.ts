import { op } from '../op.ts'

export const WRITE_ONCE = op({
  name: 'WRITE_ONCE',
  source: 'include/asm-generic/rwonce.h:WRITE_ONCE',
  doc: 'Writes a variable that threads share: a field of the driver, a global.',
  args: { variable: 'var', value: 'any' },
  steps: {
    write(k, me) {
      const from = k.cell(me, 'value')
      const to = k.var(me.variable)
      to.value = from.value
      to.stale = from.stale
      to.readonly = from.readonly
      return k.done()
    },
  },
})
