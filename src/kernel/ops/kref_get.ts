import { object_alive } from '../mm/objects_counted.ts'
import { op } from '../op.ts'

export const kref_get = op({
  name: 'kref_get',
  source: 'include/linux/kref.h:kref_get',
  doc: 'Takes a reference to an object. Only who has one may: from zero it does not come back.',
  args: { object: 'object' },
  steps: {
    get(k, me) {
      if (object_alive(k, me.object, `${k.threadName(me.thread)} takes a reference to`))
        k.object(me.object).refcount += 1
      return k.done()
    },
  },
})
