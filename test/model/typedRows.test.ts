import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type OrderedStore, WriteBatch } from "effect-lsm"
import { hasRows, runCommands } from "./check.js"
import { drawProgram } from "./commands.js"
import { configurations } from "./configurations.js"
import type { Breaks } from "./typedRows.js"

const seed = 20_260_101

const typed = [...configurations.keys()].filter(hasRows)

/** The first fault of some lists of commands for typed rows, each on one configuration that has them. */
const firstFault = async (breaks?: Breaks, lists = 12): Promise<string | undefined> => {
  for (let i = 0; i < lists; i++) {
    const commands = drawProgram(seed + i, 200, false).filter(({ _tag }) => _tag === "Rows")
    const configuration = typed[i % typed.length]!
    const { fault } = await runCommands(seed + i, configuration, commands, undefined, undefined, breaks)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A transaction with other methods. */
const within = (tx: OrderedStore.Transaction, methods: Partial<OrderedStore.Transaction>): OrderedStore.Transaction =>
  new Proxy(tx, { get: (target, name) => Reflect.get(name in methods ? methods : target, name) })

const transacting =
  (change: (tx: OrderedStore.Transaction) => OrderedStore.Transaction): Breaks =>
  (store) => ({ ...store, transact: (body, options) => store.transact((tx) => body(change(tx)), options) })

/** The first key that a write of a row reads is the row's, which it writes last. */
const keepsEntries = (tx: OrderedStore.Transaction): OrderedStore.Transaction => {
  let row: string | undefined
  const isEntry = (key: Uint8Array | string): boolean => {
    if (row === undefined || row !== String(key)) return row !== undefined
    row = undefined
    return false
  }
  return within(tx, {
    get: (key) => {
      row ??= String(key)
      return tx.get(key)
    },
    put: (key, value) => {
      isEntry(key)
      return tx.put(key, value)
    },
    delete: (key) => (isEntry(key) ? Effect.void : tx.delete(key))
  })
}

it("typed rows agree with the model", async () => {
  expect(await firstFault()).toBeUndefined()
}, 120_000)

it("a write of a row that leaves its old entries in the indexes is shown by the model", async () => {
  expect(await firstFault(transacting(keepsEntries))).toMatch(/index (mail|city|size)|checkIndexes/)
}, 120_000)

it("a migration that writes over what others have written meanwhile is shown by the model", async () => {
  const { check } = WriteBatch.WriteBatch.prototype
  WriteBatch.WriteBatch.prototype.check = function () {
    return this
  }
  try {
    // It is rare that a write comes in between.
    expect(await firstFault(undefined, 80)).toMatch(/"migrate".*rows and notes/s)
  } finally {
    WriteBatch.WriteBatch.prototype.check = check
  }
}, 120_000)

it("a building of an index that passes over rows is shown by the model", async () => {
  const skips = transacting((tx) =>
    within(tx, { collect: (options) => Effect.map(tx.collect(options), (entries) => entries.slice(1)) })
  )
  expect(await firstFault(skips)).toMatch(/index size|checkIndexes/)
}, 120_000)
