import { audit } from './audit.ts'
import { check } from './check.ts'
import { conform } from './conform.ts'
import { explain } from './explain.ts'
import { flags } from './flags.ts'
import { holders } from './holders.ts'
import type { Command } from './io.ts'

/** Every command, in the order of `tenure help`. */
export const commands: readonly Command[] = [audit, holders, check, flags, conform, explain]
