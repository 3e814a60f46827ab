import * as Effect from "effect/Effect"
import { makeData } from "../lib/data.js"
import { fill, withStore } from "../lib/ours.js"
import { atLeast, measureEffect, type Row, type Run } from "../lib/row.js"

const entriesOf = (run: Run) => (run.quick ? 1_000 : 10_000)

export const batchSync: Row = {
  title: "10,000 synced puts, in batches of 1,000 against one by one",
  contenders: {
    batches: (run) => {
      const entries = entriesOf(run)
      const data = makeData(entries)
      return withStore(run.directory, { durability: "sync" }, (store) => measureEffect(entries, fill(store, data)))
    },
    single: (run) => {
      const entries = entriesOf(run)
      const { keys, values } = makeData(entries)
      return withStore(run.directory, { durability: "sync" }, (store) =>
        measureEffect(
          entries,
          Effect.gen(function* () {
            for (let i = 0; i < entries; i++) yield* store.put(keys[i]!, values[i]!)
          })
        )
      )
    }
  },
  judge: atLeast("batches", 10, "single")
}
