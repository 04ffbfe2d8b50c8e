import { count } from '../mm/driver.ts'
import { op } from '../op.ts'

export const bo_get = op({
  name: 'bo_get',
  source: 'include/drm/drm_gem.h:drm_gem_object_get',
  doc: 'Takes a reference to an object whose driver counts them.',
  args: { bo: 'bo' },
  steps: {
    get(k, me) {
      count(k, me.bo, 1, k.threadName(me.thread))
      return k.done()
    },
  },
})
