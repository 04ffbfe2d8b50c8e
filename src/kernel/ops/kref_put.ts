import { object_put } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const kref_put = op({
  name: 'kref_put',
  source: 'include/linux/kref.h:kref_put',
  doc: 'Drops a reference to an object: 1 when it was the last, and the object is freed.',
  args: { object: 'object' },
  returns: 'int',
  steps: {
    put: (k, me) =>
      k.done(object_put(k, me.object, `${k.threadName(me.thread)} drops a reference to`) ? 1 : 0),
  },
})
