import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as LsmStore from "effect-lsm/LsmStore"
import { withFilledLevel } from "../lib/classicLevel.js"
import { keySize, makeData, valueSize } from "../lib/data.js"
import { readAll, sizeOf, withFilledStore } from "../lib/ours.js"
import { atLeast, type Contender, expect, measure, measureEffect, type Row } from "../lib/row.js"

const chunkSize = 1000

/** Walks over everything, once to warm up and once measured. */
const ours =
  (walk: (store: LsmStore.Store) => Effect.Effect<number, unknown>): Contender =>
  ({ entries, directory }) =>
    withFilledStore(directory, makeData(entries), (store) => {
      const checked = Effect.map(walk(store), (bytes) => expect("bytes read", bytes, entries * (keySize + valueSize)))
      return Effect.zipRight(checked, measureEffect(entries, checked))
    })

const forEachChunk = (store: LsmStore.Store) =>
  Effect.suspend(() => {
    let bytes = 0
    const add = (chunk: Iterable<LsmStore.Entry>) =>
      Effect.sync(() => {
        bytes += sizeOf(chunk)
      })
    return store.scan({ chunkSize }).pipe(
      Stream.runForEachChunk(add),
      Effect.map(() => bytes)
    )
  })

const classicLevel: Contender = ({ entries, directory }) =>
  withFilledLevel(directory, makeData(entries), async (level) => {
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

export const scan: Row = {
  title: "scan of all, by chunks",
  contenders: {
    "effect-lsm, runForEachChunk": ours(forEachChunk),
    "effect-lsm, mapChunks": ours(readAll),
    "classic-level": classicLevel
  },
  judge: atLeast("effect-lsm, runForEachChunk", 1, "classic-level")
}
