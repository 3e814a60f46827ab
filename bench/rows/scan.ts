import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { withFilledLevel } from "../lib/classicLevel.js"
import { keySize, makeData, valueSize } from "../lib/data.js"
import { withFilledStore } from "../lib/ours.js"
import { atLeast, expect, measure, measureEffect, type Row } from "../lib/row.js"

const chunkSize = 1000

/** Once to warm up, once measured. */
export const scan: Row = {
  title: "scan of all, by chunks",
  contenders: {
    "effect-lsm": ({ entries, directory }) => {
      const data = makeData(entries)
      return withFilledStore(directory, data, (store) => {
        const walk = Effect.suspend(() => {
          let bytes = 0
          const count = (chunk: Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>) =>
            Effect.sync(() => {
              for (const entry of chunk) bytes += entry.key.length + entry.value.length
            })
          return store.scan({ chunkSize }).pipe(
            Stream.runForEachChunk(count),
            Effect.map(() => expect("bytes read", bytes, entries * (keySize + valueSize)))
          )
        })
        return Effect.zipRight(walk, measureEffect(entries, walk))
      })
    },
    "classic-level": ({ entries, directory }) => {
      const data = makeData(entries)
      return withFilledLevel(directory, data, async (level) => {
        const walk = async () => {
          let bytes = 0
          // By default it answers 16 KiB at a time, whatever nextv asks for.
          const iterator = level.iterator({ highWaterMarkBytes: 1024 * 1024 })
          for (let found = await iterator.nextv(chunkSize); found.length > 0; found = await iterator.nextv(chunkSize)) {
            for (const [key, value] of found) bytes += key.length + value.length
          }
          await iterator.close()
          expect("bytes read", bytes, entries * (keySize + valueSize))
        }
        await walk()
        return measure(entries, walk)
      })
    }
  },
  judge: atLeast("effect-lsm", 1, "classic-level")
}
