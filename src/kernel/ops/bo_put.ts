import { count } from '../mm/driver.ts'
import { op } from '../op.ts'

export const bo_put = op({
  name: 'bo_put',
  source: 'include/drm/drm_gem.h:drm_gem_object_put',
  doc: 'Drops a reference to an object; with the last one its memory is freed, mapped or not.',
  args: { bo: 'bo' },
  steps: {
    put(k, me) {
      count(k, me.bo, -1, k.threadName(me.thread))
      return k.done()
    },
  },
})
