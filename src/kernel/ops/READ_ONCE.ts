import { op } from '../op.ts'

export const READ_ONCE = op({
  name: 'READ_ONCE',
  source: 'include/asm-generic/rwonce.h:READ_ONCE',
  doc: 'Reads a variable that threads share.',
  args: { variable: 'var' },
  returns: 'any',
  steps: {
    read: (k, me) => k.doneWith(k.var(me.variable)),
  },
})
