/** What the module does with what is kept, told as one way from the call to the release. */

import type { Ending, Holding, HoldingEvent, HoldingSite } from './event.ts'
import type { Story, StoryRelease } from './story.ts'

/** Nothing is known of what is kept. */
export const noStory: Story = {
  fields: [],
  releases: [],
  dirtied: false,
  writes: [],
  onlyRead: true,
  ends: [],
  sameCall: 'no',
  notifier: false,
  mixed: false,
  alone: false,
  sleeps: undefined,
}

/** A path on which the call works, and then what the module does with what is kept, in the order in which it can come. */
export function tell(
  site: HoldingSite,
  e: Ending | undefined,
  flags: string | undefined,
  story: Story,
  release: StoryRelease,
): Ending {
  const { func, call, api } = site
  const at = { file: func.file.path, line: func.file.source.position(call.start).line, func: func.name }
  const id = e?.holding.id ?? 0
  const before: readonly HoldingEvent[] =
    e?.holding.unclear === undefined && e !== undefined
      ? e.events.filter((x) => x.do !== 'decide')
      : [{ do: 'acquire', hold: id, outcome: 'all', api, flags, at }]
  const own = before.some((x) => x.do === 'write' && x.hold === id)
  const write = own
    ? undefined
    : (story.writes[0] ??
      (/\bDMA_(FROM|TO)_DEVICE\b/.test(flags ?? '') && !story.onlyRead
        ? { by: 'device' as const, at, text: `a device writes, as the flags say: ${flags}` }
        : undefined))
  const fields = story.fields.map((f) => `${f.struct}.${f.field}`)
  const base: Holding = e?.holding ?? {
    id,
    site,
    outcome: 'all',
    flags,
    left: 'all',
    written: false,
    dirtied: false,
    locked: 'unseen',
  }
  const { unclear: _, wrong: __, ...rest } = base
  // Where the way to the call was not followed, the lock is taken for granted.
  const locked = before.length === 1 ? 'asserted' : base.locked
  return {
    holding: {
      ...rest,
      locked,
      outcome: 'all',
      flags,
      left: 'nothing',
      written: own || write !== undefined,
      dirtied: story.dirtied,
      releasedBy: release.api,
    },
    kept: 'nowhere',
    events: [
      ...before,
      ...(write === undefined
        ? []
        : [{ do: 'write', hold: id, by: write.by, at: write.at, text: write.text } as const]),
      { do: 'leave', hold: id, at, text: fields.join(', ') },
      ...(story.dirtied && !release.dirties ? [{ do: 'dirty', hold: id, at: release.at } as const] : []),
      {
        do: 'release',
        hold: id,
        api: release.api,
        as: release.as,
        many: 'got',
        at: release.at,
        ...(release.dirties && { dirties: true }),
      },
    ],
    end: release.at,
  }
}

/** What it is given back by sleeps where that is forbidden. */
export function asleep(e: Ending, { at, text, atomic }: NonNullable<Story['sleeps']>): Ending {
  const { id } = e.holding
  const events = e.events.filter((x) => x.do !== 'dirty' || x.hold !== id)
  const last = events.findLastIndex((x) => x.do === 'release' && x.hold === id)
  return {
    ...e,
    events: [
      ...events.slice(0, last),
      { do: 'dirty', hold: id, at, text: `${text} under ${atomic}`, atomic },
      ...events.slice(last).map((x) => (x.do === 'release' ? { ...x, dirties: false } : x)),
    ],
  }
}
