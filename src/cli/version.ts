import { createRequire } from 'node:module'

/** That of package.json, seen from dist/src/cli/. */
export const version: string = (
  createRequire(import.meta.url)('../../../package.json') as { version: string }
).version
