import * as Effect from "effect/Effect"
import { withLevel } from "../lib/classicLevel.js"
import { makeData } from "../lib/data.js"
import { withStore } from "../lib/ours.js"
import { atLeast, measure, measureEffect, type Row } from "../lib/row.js"

export const put: Row = {
  title: "put, one by one, not synced",
  contenders: {
    "effect-lsm": ({ entries, directory }) => {
      const { keys, values } = makeData(entries)
      return withStore(directory, {}, (store) =>
        measureEffect(
          entries,
          Effect.gen(function* () {
            for (let i = 0; i < entries; i++) yield* store.put(keys[i]!, values[i]!)
          })
        )
      )
    },
    "classic-level": ({ entries, directory }) => {
      const { keys, values } = makeData(entries)
      return withLevel(directory, (level) =>
        measure(entries, async () => {
          for (let i = 0; i < entries; i++) await level.put(keys[i]!, values[i]!)
        })
      )
    }
  },
  judge: atLeast("effect-lsm", 1, "classic-level")
}
