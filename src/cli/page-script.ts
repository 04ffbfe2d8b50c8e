import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The script of the report page: the compiled modules that its entry needs, one after the other in one text. It is put together when a
 * page is written, so that no bundler is needed and nothing can be stale. It understands what our compiler emits (named imports and
 * exports, one declaration each) and refuses the rest.
 */
export function pageScript(
  entry = fileURLToPath(new URL('../report/page/main.js', import.meta.url)),
): string {
  const names = new Map<string, string>()
  const parts: string[] = []
  const add = (file: string): string => {
    const known = names.get(file)
    if (known !== undefined) return known
    const name = `m${names.size}`
    names.set(file, name)
    const { text, exported } = linked(
      readFileSync(file, 'utf8'),
      (from) => add(join(dirname(file), from)),
      file,
    )
    parts.push(`const ${name}=(()=>{${text}\nreturn{${exported.join(',')}}})();`)
    return name
  }
  add(entry)
  return parts.join('\n')
}

function linked(
  source: string,
  moduleOf: (from: string) => string,
  file: string,
): { text: string; exported: string[] } {
  const exported: string[] = []
  const text = source
    .replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '')
    .replaceAll(/^import \{([^}]*)\} from '([^']+)';?$/gm, (_, list: string, from: string) => {
      const names = list.replaceAll(/\b(\w+) as (\w+)/g, '$1:$2').trim()
      return `const {${names}}=${moduleOf(from)};`
    })
    .replaceAll(/^export (?=(?:async )?(?:const|let|function\*?|class) (\w+))/gm, (_, name: string) => {
      exported.push(name)
      return ''
    })
    .replaceAll(/^export \{\s*\};?$/gm, '')
  const left = /^(?:import|export)\b.*$/m.exec(text)
  if (left) throw new Error(`${file}: a page's script cannot hold '${left[0]}'`)
  return { text, exported }
}
