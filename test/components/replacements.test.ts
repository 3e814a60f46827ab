import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LsmStore, Storage } from "effect-lsm"
import type { Place } from "../support/places.js"
import { testStore } from "../support/testStore.js"
import * as MapMemtable from "./replacements/mapMemtable.js"
import * as PlainCompactor from "./replacements/plainCompactor.js"
import * as PlainLog from "./replacements/plainLog.js"
import * as PlainTables from "./replacements/plainTables.js"

const directory = "/memory"

/** A place for stores with some parts replaced. */
const withParts = (parts: LsmStore.Replacements): Effect.Effect<Place> =>
  Effect.map(Storage.makeMemory, (storage) => ({
    directory,
    open: (tuning) => {
      const options = { ...tuning, directory }
      return LsmStore.layerFromComponents(options).pipe(
        Layer.provide(LsmStore.layerComponents(options, parts)),
        Layer.provide(Layer.succeed(Storage.Storage, storage))
      )
    }
  }))

const memtable = MapMemtable.layer({ directory })
const wal = PlainLog.layer({ directory })
const tables = PlainTables.layer({ directory })
const compactor = PlainCompactor.layer

testStore("a store with another memtable", withParts({ memtable }))
testStore("a store with another log", withParts({ wal }))
testStore("a store with other tables", withParts({ tables }))
testStore("a store with another compactor", withParts({ compactor }))
testStore("a store with all of these replaced", withParts({ memtable, wal, tables, compactor }))
