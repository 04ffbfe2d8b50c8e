import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { Source } from '../src/base/index.ts'
import {
  accelerator,
  cacheFolder,
  conform,
  findImage,
  kernels,
  Machine,
  parseSequence,
  predictAlone,
  qemuMissing,
  race,
  replay,
  showDifference,
} from '../src/conform/index.ts'
import { parse } from '../src/litmus/index.ts'

/** Sequences on which model and kernel once differed: each is one thing that the kernel does and the model did not. */
const folder = 'test/conform'
const files = readdirSync(folder).filter((f) => f.endsWith('.ops'))
const read = (file: string) => parseSequence(readFileSync(`${folder}/${file}`, 'utf8'), file)

test('there are saved sequences, and the model can run all of each', () => {
  assert.ok(files.length > 0)
  for (const file of files)
    for (const { name } of kernels) {
      const sequence = read(file)
      assert.equal(predictAlone(name, sequence).ops.length, sequence.ops.length, `${file} on ${name}`)
    }
})

/** Litmus tests that run on every kernel, each on something else: copies, pins, a driver that frees, page-table copies. */
const races = ['cow/pin+madvise-dontneed', 'pin/fork+get+write', 'vma/fork+bo_free', 'flags/pfnmap+fork']

for (const { name } of kernels) {
  const image = qemuMissing() ?? findImage(cacheFolder(), name)
  const skip = typeof image === 'string' && image

  test(`${name} does what the model does`, { skip, timeout: 300_000 }, async () => {
    if (typeof image === 'string') return
    const accel = await accelerator()
    const machine = new Machine(image, { accel, cpus: 2 })
    after(() => machine.close())
    const replayAll = async (on: Machine, movable: boolean) => {
      for (const file of files) {
        const sequence = read(file)
        if ((sequence.movable === true) !== movable) continue
        const difference = await replay(on, name, sequence)
        assert.equal(difference && `${file}\n${showDifference(difference)}`, undefined)
      }
    }
    await replayAll(machine, false)
    for (const file of races) {
      const path = `litmus/${file}.litmus`
      const { value } = parse(new Source(path, readFileSync(path, 'utf8')))
      const raced = await race(machine, name, value!, { runs: 30, seed: 1 })
      assert.equal(raced.kind === 'run' || raced.why, true, path)
      if (raced.kind === 'run') assert.deepEqual([...raced.forbidden], [], path)
    }
    await machine.close()
    const zoned = new Machine(image, { accel, movable: true })
    after(() => zoned.close())
    await replayAll(zoned, true)
    await zoned.close()
    const run = await conform(image, { accel, ops: 2000, seed: 1 })
    assert.equal(run.ops >= 2000, true)
    assert.deepEqual(run.differences.map(showDifference), [])
  })
}
