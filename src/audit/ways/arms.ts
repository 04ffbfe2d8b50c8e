import { cfgOf, type Func } from '../../source/index.ts'

/** One arm of an #if, with what it says of the configuration. */
export type Arm = { readonly to: number; readonly said: readonly (readonly [string, boolean])[] }

/** The arms of an #if that stands at a node. One configuration is compiled: what an #if said once it says again. */
export function armsAt(func: Func, at: number): readonly Arm[] | undefined {
  const node = cfgOf(func).nodes[at]!
  if (node.kind !== 'arms') return undefined
  return node.succ.map((e): Arm => {
    let text = (e.condition ?? '').replaceAll(/\s+/g, ' ').trim()
    let yes = true
    const not = /^!\s*(?:\((.*)\)|(\w+))$/
    for (let m = not.exec(text); m !== null; m = not.exec(text)) {
      text = m[1] ?? m[2]!
      yes = !yes
    }
    text = text.replace(/^defined\s*\(?\s*(\w+)\s*\)?$/, '$1')
    return { to: e.to, said: text === '' ? [] : [[`#if ${text}`, yes]] }
  })
}
