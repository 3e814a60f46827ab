import * as Effect from "effect/Effect"
import * as WriteBatch from "../../WriteBatch.js"
import { type ConformanceCase, rowsOf, same } from "./case.js"

/** A small generator of numbers, the same on each run: Marsaglia's xorshift. */
const numbers = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const writes = 60

/** Random writes, compared with a map after each. */
export const modelCases: ReadonlyArray<ConformanceCase> = [1, 2, 3].map((seed) => ({
  name: `holds what a map holds, whatever is written (${writes} writes, seed ${seed})`,
  run: (given) =>
    Effect.gen(function* () {
      const { at, own, store } = given
      const random = numbers(seed * 7919)
      const key = () => String(random(12)).padStart(2, "0")
      const model = new Map<string, string>()
      const change = (batch: WriteBatch.WriteBatch): void => {
        const [first, second] = [key(), key()]
        const kind = random(8)
        if (kind === 0) {
          batch.deleteRange({ start: at(first), end: at(second) })
          for (const held of [...model.keys()]) if (held >= first && held < second) model.delete(held)
        } else if (kind < 3) {
          batch.delete(at(first))
          model.delete(first)
        } else {
          const value = String(random(1000))
          batch.put(at(first), value)
          model.set(first, value)
        }
      }
      for (let i = 0; i < writes; i++) {
        const batch = WriteBatch.make()
        for (let n = random(4); n >= 0; n--) change(batch)
        yield* random(2) === 0 ? store.write(batch) : store.transact((tx) => tx.write(batch))
        const expected = [...model].sort().map(([held, value]) => `${held}=${value}`)
        yield* same(rowsOf(yield* store.collect(own), given), expected, `write ${i}`)
        const reversed = yield* store.collect({ ...own, reverse: true })
        yield* same(rowsOf(reversed, given), [...expected].reverse(), `write ${i}, reversed`)
        const asked = key()
        yield* same(yield* store.has(at(asked)), model.has(asked), `write ${i}, ${asked}`)
      }
    })
}))
