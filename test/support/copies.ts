import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type LsmError, type LsmOptions, LsmStore, type Maintenance, type Store, WriteBatch } from "effect-lsm"

/** Tables and memtables so small that a few writes make many files. */
export const tuning: LsmOptions.Tuning = {
  memtableBytes: 30_000,
  tableBytes: 4000,
  blockBytes: 256,
  level0Tables: 2,
  level1Bytes: 10_000,
  levelRatio: 3
}

/** Writes one batch of 60 keys; each round has other values. */
export const write = (store: Store.Store, round: number, valueBytes = 60) => {
  const batch = WriteBatch.make()
  for (let n = 0; n < 60; n++) batch.put(`key${n}`, `${round}:${n}:`.padEnd(valueBytes, "v"))
  return store.write(batch)
}

/** The whole content of a store, as text. */
export const contentOf = (store: Store.Store): Effect.Effect<Map<string, string>, LsmError.ReadError> =>
  Effect.map(store.collect(), (entries) => {
    const text = new TextDecoder()
    return new Map(entries.map(({ key, value }) => [text.decode(key), text.decode(value)]))
  })

/** Everything that a verification of a closed store finds. */
export const errorsOf = (directory: string): Effect.Effect<ReadonlyArray<Maintenance.Finding>, LsmError.OpenError> =>
  Effect.map(Stream.runCollect(LsmStore.verify({ directory })), (events) =>
    [...events].filter((event): event is Maintenance.Finding => event._tag === "Finding")
  )
