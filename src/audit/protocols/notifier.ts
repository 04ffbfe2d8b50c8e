import { notifierKind } from '../notifiers/analyse.ts'
import { notifierJobs } from '../notifiers/audit.ts'
import type { Protocol } from '../protocol.ts'

/** Registering an MMU notifier: what its callback does, how long it lives, who unregisters it. */
export const notifier: Protocol = {
  kinds: [notifierKind],
  standing: true,
  jobs: notifierJobs,
}
