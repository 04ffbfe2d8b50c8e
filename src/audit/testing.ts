import { MemoryTree, Program } from '../source/index.ts'
import { audit } from './audit.ts'

/** For tests: `broken: CLASS`, `holds: CONTRACT`, `unknown: REASON` of every site of some files, in the order of the text. */
export async function verdictsOf(
  files: Readonly<Record<string, string>>,
  options: { readonly protocols: readonly string[]; readonly kernel?: string },
): Promise<string[]> {
  const bytes = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const)
  const program = new Program(new MemoryTree('driver', new Map(bytes)))
  const { sites } = await audit(program, {
    treeKernel: undefined,
    kernel: options.kernel ?? '7.2',
    protocols: options.protocols,
    version: 'test',
    path: 'driver',
  })
  return sites.map((s) =>
    s.verdict === 'broken'
      ? `broken: ${s.classes.join()}`
      : s.verdict === 'holds'
        ? `holds${s.contract === undefined ? '' : `: ${s.contract}`}`
        : `unknown: ${s.reason}`,
  )
}
