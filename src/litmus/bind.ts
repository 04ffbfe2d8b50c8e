import { hasErrors, type Outcome } from '../base/index.ts'
import {
  type AttachmentConfig,
  configure,
  type FullConfig,
  type NotifierConfig,
  ops,
  type Program,
} from '../kernel/index.ts'
import type { LitmusTest, Proc } from './ast.ts'
import { compile } from './compile.ts'
import { bindCondition, type BoundCondition, type Observed } from './condition.ts'
import { Declared } from './declare.ts'
import { Say } from './say.ts'

/** A test as the model runs it: an initial state, programs, and what to look at in the end. */
export type Bound = {
  readonly config: FullConfig
  /** The processes, in the order of `config.threads`. */
  readonly procs: readonly Proc[]
  readonly declared: Declared
  readonly condition?: BoundCondition
  /** What a final state is told by: the atoms of the condition; without one, every register. */
  readonly observed: readonly Observed[]
}

/** Binds a test to a kernel. What is wrong with it for every kernel is told as well as what this one does not have. */
export function bind(
  test: LitmusTest,
  kernel: string,
  policies: Readonly<Record<string, string>> = {},
): Outcome<Bound> {
  const say = new Say()
  const declared = new Declared(test.init, say)
  const seen = new Map<string, Proc>()
  const threads: { proc: Proc; program: Program }[] = []
  const callbacks: Program[] = []
  const callbackOf = new Map<string, number>()
  /** The functions of drivers: `open` and `close` by how much they count. */
  const counts: { bo: number; field: (typeof driverFunctions)[number]; by: number }[] = []
  for (const proc of test.procs) {
    const own = proc.context.kind === 'bo' ? `${proc.name} of ${proc.context.name}` : proc.name
    if (seen.has(own)) say.error('duplicate', proc.span, `there are two processes ${own}`)
    seen.set(own, proc)
    const context = contextOf(proc, declared, say)
    if (context.bo !== undefined && (proc.name === 'open' || proc.name === 'close')) {
      counts.push({ bo: context.bo, field: proc.name, by: countOf(proc, say) })
      continue
    }
    const program = compile(proc, context, declared, kernel, say)
    if (context.bo !== undefined) {
      counts.push({ bo: context.bo, field: proc.name as 'mmap' | 'fault', by: callbacks.length })
      callbacks.push(program)
    } else if (context.notifier === undefined && context.attachment === undefined)
      threads.push({ proc, program })
    else {
      callbackOf.set(proc.name, callbacks.length)
      callbacks.push(program)
    }
  }
  if (threads.length === 0 && !hasErrors(say.diagnostics))
    say.error('no-process', undefined, `${test.name || 'the test'} has no process`, 'write `P0(mm A) { … }`')
  const notifiers = declared.notifiers.map((n): NotifierConfig => {
    const { callback, span, ...rest } = n
    if (callback === undefined) return rest
    const invalidate = callbackOf.get(callback)
    if (invalidate === undefined) {
      say.error(
        'undeclared',
        span,
        `there is no callback \`${callback}\``,
        ...Say.meant(callback, callbackOf.keys()),
        `write \`${callback}(notifier ${n.name}) { … }\``,
      )
      return rest
    }
    callbackOf.delete(callback)
    return { ...rest, invalidate }
  })
  const attachments = declared.attachments.map((a, id): AttachmentConfig => {
    const { callback: named, span, ...rest } = a
    // Left out, it is the one that says `(attachment a)` of itself.
    const callback =
      named ?? test.procs.find((p) => p.context.kind === 'attachment' && p.context.name === a.name)?.name
    if (callback === undefined) return rest
    const known = callbackOf.get(callback)
    if (known === undefined) {
      say.error(
        'undeclared',
        span,
        `there is no callback \`${callback}\``,
        ...Say.meant(callback, callbackOf.keys()),
        `write \`${callback}(attachment ${declared.attachments[id]!.name}) { … }\``,
      )
      return rest
    }
    callbackOf.delete(callback)
    return { ...rest, callback: known }
  })
  for (const name of callbackOf.keys())
    if (!declared.notifiers.some((n) => n.callback === name))
      say.warning('unused', seen.get(name)?.span, `no notifier calls \`${name}\``)
  const counted = new Set(
    [...threads.map((t) => t.program), ...callbacks].flatMap((p) =>
      p.code.flatMap((i) =>
        i.kind === 'call' && (i.op === 'bo_get' || i.op === 'bo_put') && i.args[0]?.kind === 'thing'
          ? [i.args[0].id]
          : [],
      ),
    ),
  )
  const bos = declared.bos.map((b, bo) => {
    const own = counts.filter((c) => c.bo === bo)
    const driver = Object.fromEntries(own.map((c) => [c.field, c.by]))
    const counts_ = counted.has(bo) || own.some((c) => c.field === 'open' || c.field === 'close')
    return { ...b, ...(own.length > 0 ? { driver } : {}), ...(counts_ ? { counted: true } : {}) }
  })
  const programs = threads.map((t) => t.program)
  const condition = test.condition && bindCondition(test.condition, declared, programs, say)
  declared.warnUnused()
  if (hasErrors(say.diagnostics)) return { diagnostics: say.diagnostics }
  const { value, diagnostics } = configure(
    {
      version: kernel,
      policies,
      mms: declared.mms,
      devices: declared.devices,
      bos,
      vmas: declared.vmas,
      locks: declared.locks,
      notifiers,
      attachments,
      objects: declared.objects,
      vars: declared.vars,
      threads: programs,
      callbacks,
      ...(declared.spare ? { spare: declared.spare } : {}),
    },
    ops,
  )
  const all = [...say.diagnostics, ...diagnostics]
  if (value === undefined) return { diagnostics: all }
  return {
    value: {
      config: value,
      procs: threads.map((t) => t.proc),
      declared,
      ...(condition ? { condition } : {}),
      observed: condition?.observed ?? everyRegister(programs),
    },
    diagnostics: all,
  }
}

function contextOf(proc: Proc, declared: Declared, say: Say): Program['context'] {
  const { kind, name } = proc.context
  const help =
    'a process is `P0(mm A)`, `P0(device gpu)` or `P0()`; a callback is `invalidate(notifier n)`, or a driver’s `mmap(bo B)`'
  if (kind === '') return {}
  if (kind !== 'mm' && kind !== 'device' && kind !== 'notifier' && kind !== 'attachment' && kind !== 'bo') {
    say.error(
      'context',
      proc.span,
      `\`${kind}\` is no context of a process`,
      ...Say.meant(kind, ['mm', 'device', 'notifier', 'attachment', 'bo']),
      help,
    )
    return {}
  }
  const thing = declared.thing(name)
  if (thing?.kind !== kind) {
    const known = [...declared.things].filter(([, t]) => t.kind === kind).map(([n]) => n)
    say.error('undeclared', proc.span, `\`${name}\` is no declared ${kind}`, ...Say.meant(name, known), help)
    // What it does is bound as that of the first one, so that the mistake is told once.
    return { [kind]: 0 }
  }
  const numbered = /^P\d+$/.test(proc.name)
  const callback = kind === 'notifier' || kind === 'attachment' || kind === 'bo'
  if (kind === 'bo' && !(driverFunctions as readonly string[]).includes(proc.name))
    say.error(
      'context',
      proc.span,
      `\`${proc.name}\` is no function of a driver`,
      ...Say.meant(proc.name, driverFunctions),
      'a driver has mmap, fault, open and close',
    )
  if (callback && numbered)
    say.error('context', proc.span, `${proc.name} is a process, and that is no context of one`, help)
  if (!callback && !numbered)
    say.error('context', proc.span, `\`${proc.name}\` is no name of a process`, help)
  return { [kind]: thing.id }
}

/** What a driver does for the mappings of an object. */
const driverFunctions = ['mmap', 'fault', 'open', 'close'] as const

/** An open or a close runs as one step, wherever mappings come and go: it counts, and does nothing else. */
function countOf(proc: Proc, say: Say): number {
  let by = 0
  for (const s of proc.body) {
    const call = s.kind === 'expr' && s.expr.kind === 'call' ? s.expr : undefined
    const [of] = call?.args ?? []
    const own = of?.kind === 'name' && of.name === proc.context.name
    if (call?.name === 'bo_get' && own) by += 1
    else if (call?.name === 'bo_put' && own) by -= 1
    else
      say.error(
        'context',
        s.span,
        `${proc.name} of a driver takes or drops references to its object, and does nothing else here`,
        `write \`bo_get(${proc.context.name});\` or \`bo_put(${proc.context.name});\``,
      )
  }
  return by
}

const everyRegister = (programs: readonly Program[]): Observed[] =>
  programs.flatMap((p, thread) =>
    p.registers.flatMap((r, reg): Observed[] =>
      r.name.startsWith('%')
        ? []
        : [{ kind: 'register', text: `${p.name.replace(/^P/, '')}:${r.name}`, thread, reg, of: r.kind }],
    ),
  )
