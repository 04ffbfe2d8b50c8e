import type { Id } from '../../state/index.ts'
import type { Kernel } from '../kernel.ts'
import { attachmentName, dmaBufName } from '../mm/dma_buf.ts'
import type { Invariant, Report } from './invariant.ts'

/** Raised by dma_buf_detach; what a test declares as attached may stay so. */
export const attachment_leak = {
  code: 'attachment-leak',
  promise:
    'What is attached to a dma-buf is detached in the end, after all that was mapped and pinned through it is given up.',
  atEnd(k: Kernel, report: Report): void {
    for (let i = 0; i < k.config.attachmentSlots; i++) {
      const buf = k.attachment(i as Id<'attachment'>).dma_buf
      const declared = k.config.attachments[i]
      if (buf === undefined || (declared !== undefined && declared.unattached !== true)) continue
      report(
        `${attachmentName(k, i as Id<'attachment'>)} is still attached to ${dmaBufName(k, buf)}, and nobody will detach it`,
      )
    }
  },
} as const satisfies Invariant
