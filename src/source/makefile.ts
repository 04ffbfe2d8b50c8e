/**
 * Which objects a kernel Makefile links into one module: `foo-y := a.o b.o` (also `foo-objs`, `foo-$(CONFIG_X) += c.o`), with
 * its own variables expanded. Conditionals are ignored: every branch counts.
 */
export type Composite = { readonly name: string; readonly objects: readonly string[] }

export function composites(makefile: string): {
  readonly modules: readonly Composite[]
  readonly single: readonly string[]
} {
  const lines = makefile.replace(/\\\r?\n/g, ' ').split(/\r?\n/)
  const variables = new Map<string, string>()
  const parts = new Map<string, string[]>()
  const listed: string[] = []
  const expand = (text: string, depth = 0): string =>
    text.replace(/\$\(([\w-]+)\)|\$\{([\w-]+)\}/g, (whole, a: string | undefined, b: string | undefined) => {
      const value = variables.get(a ?? b ?? '')
      return value === undefined
        ? /^(src|obj|srctree)$/.test(a ?? b ?? '')
          ? '.'
          : whole
        : depth > 8
          ? ''
          : expand(value, depth + 1)
    })
  for (const raw of lines) {
    const line = raw.replace(/#.*$/, '')
    const m = /^\s*([\w.$(){}/-]+?)\s*(\+=|:=|\?=|=)\s*(.*)$/.exec(line)
    if (!m) continue
    const [, name, operator, value] = m as unknown as [string, string, string, string]
    const variable = /^[\w-]+$/.test(name)
    if (variable)
      variables.set(
        name,
        operator === '+='
          ? `${variables.get(name) ?? ''} ${value}`
          : operator === '?='
            ? (variables.get(name) ?? value)
            : value,
      )
    const objects = expand(value)
      .split(/\s+/)
      .filter((w) => w.endsWith('.o'))
    if (objects.length === 0) continue
    const composite = /^(.+?)-(?:y|m|objs|\$[({][\w-]+[)}]|objs-\$[({][\w-]+[)}]|objs-y)$/.exec(name)
    const stem = composite ? expand(composite[1]!) : ''
    if (/^(obj|lib|head|core|drivers|net)$/.test(stem)) listed.push(...objects)
    else if (!/^(subdir|always|extra|targets|hostprogs|\w*flags)$/.test(stem) && stem !== '')
      parts.set(stem, [...(parts.get(stem) ?? []), ...objects])
  }
  // `foo-y += $(bar-y)` was expanded above; a composite made of composites is one module
  const modules = [...parts].map(([name, objects]) => ({ name, objects: [...new Set(objects)] }))
  const single = listed.filter((o) => !parts.has(o.replace(/\.o$/, '')))
  return { modules, single: [...new Set(single)] }
}
