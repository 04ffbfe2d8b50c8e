/** Real kernels under QEMU, run beside the model and compared with it. See docs/conformance.md. */
export { cacheFolder, findImage, type Image, isKernelName, type KernelName, kernels } from './cache.ts'
export { fetchKernels, MissingError } from './fetch.ts'
export { notCompared } from './model.ts'
export { CommandError } from './process.ts'
export { race, type Raced } from './races.ts'
export {
  type ConformOptions,
  conform,
  type Difference,
  Machine,
  predictAlone,
  replay,
  type Run,
  showDifference,
  shrinkDifference,
} from './run.ts'
export { parseSequence, type Sequence, SequenceError, showSequence } from './sequence.ts'
export { translate } from './translate.ts'
export { accelerator, qemuMissing, VmError } from './vm.ts'
