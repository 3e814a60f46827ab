import * as Effect from "effect/Effect"
import { makeData } from "../lib/data.js"
import { withStore } from "../lib/ours.js"
import { atLeast, type Contender, measureEffect, type Row } from "../lib/row.js"

/** So many fibers, each putting its own share one by one. */
const writers =
  (fibers: number, share: number): Contender =>
  ({ quick, directory }) => {
    const each = quick ? share / 10 : share
    const { keys, values } = makeData(fibers * each)
    return withStore(directory, { durability: "sync" }, (store) => {
      const writer = (fiber: number) =>
        Effect.gen(function* () {
          const to = (fiber + 1) * each
          for (let i = fiber * each; i < to; i++) yield* store.put(keys[i]!, values[i]!)
        })
      const all = Array.from({ length: fibers }, (_, fiber) => writer(fiber))
      return measureEffect(fibers * each, Effect.all(all, { concurrency: fibers, discard: true }))
    })
  }

export const writersRow: Row = {
  title: "synced puts by 64 fibers against one",
  contenders: { "64 fibers": writers(64, 2_000), "1 fiber": writers(1, 10_000) },
  judge: atLeast("64 fibers", 10, "1 fiber")
}
