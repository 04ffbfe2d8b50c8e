import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const kfree = op({
  name: 'kfree',
  source: 'mm/slub.c:kfree',
  doc: 'Frees an object, whoever still has a pointer to it.',
  args: { object: 'object' },
  steps: {
    free(k, me) {
      if (object_alive(k, me.object, `${k.threadName(me.thread)} frees`)) {
        k.object(me.object).refcount = 0
        k.object(me.object).freed = true
      }
      return k.done()
    },
  },
})
