import { parseArgs } from 'node:util'
import { cacheFolder, isKernelName, kernels, type KernelName } from '../conform/cache.ts'
import { fetchKernels, MissingError } from '../conform/fetch.ts'
import { CommandError } from '../conform/process.ts'
import { type Command, exit, UsageError } from './io.ts'

export const conform: Command = {
  name: 'conform',
  summary: 'run operations on real kernels and compare with the model',
  usage: `
usage: tenure conform --fetch [--kernel V]… [--mirror URL] [--cache DIR]

--fetch gets Debian's kernels and a compiler into the cache and builds the
guest. V is one of ${kernels.map((k) => k.name).join(', ')}; all without it.`,
  async run(argv, io) {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        fetch: { type: 'boolean' },
        kernel: { type: 'string', multiple: true },
        mirror: { type: 'string' },
        cache: { type: 'string' },
      },
    })
    const names = values.kernel?.flatMap((k) => k.split(',')) ?? kernels.map((k) => k.name)
    for (const name of names)
      if (!isKernelName(name))
        throw new UsageError(
          `there is no image of a kernel '${name}'`,
          `it is one of ${kernels.map((k) => k.name).join(', ')}`,
        )
    const cache = cacheFolder(values.cache)
    try {
      if (values.fetch) {
        const images = await fetchKernels({
          cache,
          kernels: names as KernelName[],
          signal: io.signal,
          say: (line) => io.err(`${line}\n`),
          ...(values.mirror === undefined ? {} : { mirror: values.mirror }),
        })
        for (const image of images) io.out(`${image.kernel}: ${image.release}, version ${image.version}\n`)
        return exit.ok
      }
    } catch (e) {
      if (io.signal.aborted) return exit.interrupted
      if (e instanceof MissingError || e instanceof CommandError) {
        io.err(`tenure conform: ${e.message}\n`)
        return exit.failed
      }
      throw e
    }
    throw new UsageError('nothing to do')
  },
}
