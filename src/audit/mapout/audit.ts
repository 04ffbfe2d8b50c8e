import type { Context, Job } from '../protocol.ts'
import type { Site } from '../result.ts'
import { type MapSite, mapSites, words } from './sites.ts'

export const mapOutKind = 'map-out'
export const mapOutWords = (): readonly string[] => words

/** A job for each function that maps memory out. */
export async function mapOutJobs({ program, options }: Context): Promise<Job[]> {
  const sites = await mapSites(program, options.signal)
  return sites.map((site) => ({
    func: site.func,
    decide: () => [undecided(site)],
    undecided: () => [undecided(site)],
  }))
}

function undecided({ func, role }: MapSite): Site {
  const reason = 'what it maps, how far and for how long is not followed yet'
  return {
    file: func.file.path,
    line: func.line,
    column: func.column,
    function: func.name,
    api: role,
    kind: mapOutKind,
    flags: [],
    guard: 'unknown',
    hold: 'longterm',
    escapes: [],
    verdict: 'unknown',
    classes: [],
    reason,
    summary: `${func.name}(): not decided: ${reason}`,
  }
}
