import { describe, expect, it } from "vitest"
import { seeded } from "../../../src/core/simulation/random.js"
import { WriteSet } from "../../../src/internal/transaction/writeSet.js"

const key = (n: number) => String(n).padStart(6, "0")
const valuesOf = (writes: WriteSet) => writes.inOrder().map((write) => [write.key, write.value?.[0]])

describe("the writes of a transaction", () => {
  it("goes back to a savepoint, whatever was written since", () => {
    const random = seeded(5)
    for (let round = 0; round < 200; round++) {
      const writes = new WriteSet()
      const write = () => {
        const at = Math.floor(random() * 20)
        if (random() < 0.2) writes.deleteRange({ start: key(at), end: key(at + 4) })
        else writes.set(key(at), random() < 0.3 ? undefined : Uint8Array.of(Math.floor(random() * 256)))
      }
      const some = () => {
        for (let n = Math.floor(random() * 8); n > 0; n--) write()
      }
      some()
      const outer = writes.savepoint()
      const before = [valuesOf(writes), writes.deletedRanges]
      some()
      const inner = writes.savepoint()
      const between = [valuesOf(writes), writes.deletedRanges]
      some()
      if (random() < 0.5) {
        inner.undo()
        expect([valuesOf(writes), writes.deletedRanges]).toStrictEqual(between)
      } else inner.release()
      some()
      outer.undo()
      expect([valuesOf(writes), writes.deletedRanges]).toStrictEqual(before)
    }
  })

  it("takes savepoints in a time that does not depend on how much was written", () => {
    const writes = new WriteSet()
    for (let i = 0; i < 100_000; i++) writes.set(key(i), Uint8Array.of(1))
    const start = performance.now()
    for (let i = 0; i < 10_000; i++) {
      const { release } = writes.savepoint()
      writes.set(key(i), Uint8Array.of(2))
      release()
    }
    // Copies of all writes would take some minutes.
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
