export { check } from './bfs.ts'
export type {
  Actor,
  CheckOptions,
  CheckResult,
  Choose,
  Model,
  StepLabel,
  Trace,
  TraceStep,
  Violate,
  Violation,
} from './model.ts'
export { walk, type WalkOptions } from './random.ts'
export { type Findings, findings, reference } from './reference.ts'
