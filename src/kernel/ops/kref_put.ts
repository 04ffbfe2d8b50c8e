import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const kref_put = op({
  name: 'kref_put',
  source: 'include/linux/kref.h:kref_put',
  doc: 'Drops a reference to an object: 1 when it was the last, and the object is freed.',
  args: { object: 'object' },
  returns: 'int',
  steps: {
    put(k, me) {
      if (!object_alive(k, me.object, `${k.threadName(me.thread)} drops a reference to`)) return k.done(0)
      const row = k.object(me.object)
      row.refcount -= 1
      row.freed = row.refcount === 0
      return k.done(row.freed ? 1 : 0)
    },
  },
})
