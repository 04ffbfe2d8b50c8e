// Property tests draw the same values in every run, so that a red run is somebody's change and not somebody's luck.
// TENURE_SEED=N draws others; TENURE_SEED=random does so every time.
import fc from 'fast-check'

const asked = process.env['TENURE_SEED'] ?? '20201002'
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked) })
