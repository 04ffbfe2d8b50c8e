import { callJobs, callsOf } from '../calls.ts'
import { type Context, type Job, rulesFor } from '../protocol.ts'
import type { Api } from '../things/api.ts'
import type { About } from '../things/walk.ts'
import { Publishes } from '../publish/analyse.ts'
import { bufApis } from '../publish/api.ts'
import { Imports } from './analyse.ts'
import { aboutExports, aboutImports, acquires, exports } from './api.ts'

export const importJobs = (context: Context): Job[] => jobsOf(context, acquires, aboutImports)

/** Of a dma-buf that is put behind a descriptor, also whether its object is looked at after that. */
export function exportJobs(context: Context): Job[] {
  const { code, judge, options } = context
  const objects = new Publishes(code, judge, (s) => rulesFor(s.api, options), options.path, bufApis)
  return jobsOf(context, exports, aboutExports).map((job) => ({
    func: job.func,
    decide: () =>
      job.decide().flatMap((site) => {
        if (site.api !== 'dma_buf_fd' || site.verdict !== 'holds') return [site]
        const late = callsOf(job.func, exports).filter(
          (c) => c.api.name === site.api && job.func.file.source.position(c.call.start).line === site.line,
        )
        // That the object is not in sight here is no doubt.
        const found = objects
          .func(job.func, late.slice(0, 1))
          .find((s) => s.verdict === 'broken' || (s.escapes.length > 0 && s.verdict === 'unknown'))
        return [found ?? site]
      }),
  }))
}

/** A job for each function with such calls. */
function jobsOf(context: Context, apis: ReadonlyMap<string, Api>, about: About): Job[] {
  const { code, judge, options } = context
  const imports = new Imports(code, judge, (site) => rulesFor(site.api, options), options.path, about)
  return callJobs(context, apis, apis, (func, sites) => imports.func(func, sites))
}
