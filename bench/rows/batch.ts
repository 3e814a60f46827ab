import { fillLevel, withLevel } from "../lib/classicLevel.js"
import { makeData } from "../lib/data.js"
import { fill, withStore } from "../lib/ours.js"
import { atLeast, measure, measureEffect, type Row } from "../lib/row.js"

/** Putting the batches together is part of it. */
export const batch: Row = {
  title: "batches of 1,000, not synced",
  contenders: {
    "effect-lsm": ({ entries, directory }) => {
      const data = makeData(entries)
      return withStore(directory, {}, (store) => measureEffect(entries, fill(store, data)))
    },
    "classic-level": ({ entries, directory }) => {
      const data = makeData(entries)
      return withLevel(directory, (level) => measure(entries, () => fillLevel(level, data)))
    }
  },
  judge: atLeast("effect-lsm", 1, "classic-level")
}
