import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type LsmError, type Store, Transaction, WriteBatch } from "effect-lsm"
import { textOfValue, type Write } from "./content.js"
import { bytes, bytesOf } from "./text.js"

/** Whether a write leaves an operation in the log: an empty range does not. */
export const isOperation = ([key, value]: Write): boolean =>
  typeof value !== "object" || "value" in value || value.end === undefined || key < value.end

/** Adds a write to a batch. */
export const addTo = (batch: WriteBatch.WriteBatch, [key, value]: Write): void => {
  if (typeof value === "string") batch.put(bytes(key), value)
  else if (value === undefined) batch.delete(bytes(key))
  else if ("value" in value) batch.put(bytes(key), value.value, { expiresAt: value.expiresAt })
  else batch.deleteRange({ start: bytes(key), end: bytesOf(value.end) })
}

/** A way to write that leads to the same content as a plain write. */
export type Way = "transaction" | "checks" | "update" | "compareAndSet"

/** Interrupted writes of earlier commands may come between. */
const retries = 50

/** Writes by another way than `put`, `delete` and a plain batch. */
export const writeBy = (
  way: Way,
  store: Store.Store,
  writes: ReadonlyArray<Write>,
  options: Store.WriteOptions
): Effect.Effect<void, LsmError.WriteError> => {
  const [first] = writes
  const [key, value] = first ?? ["", undefined]
  const text = textOfValue(value)
  const isPut = writes.length === 1 && text !== undefined
  const putOptions = {
    ...options,
    ...(typeof value === "object" && "value" in value && { expiresAt: value.expiresAt })
  }
  if (isPut && way === "update") return Effect.asVoid(store.update(bytes(key), () => text, putOptions))
  if (isPut && way === "compareAndSet") {
    const set = Effect.flatMap(store.get(bytes(key)), (present) =>
      store.compareAndSet(bytes(key), present, Option.some(text), putOptions)
    )
    return Effect.asVoid(Effect.repeat(set, { until: (done) => done }))
  }
  if (way === "checks") return Effect.retry(checked(store, writes, options), { times: retries, while: isConflict })
  return Transaction.transact(store, (tx) => writeWithin(tx, writes), {
    ...options,
    retry: Schedule.recurs(retries)
  }).pipe(Effect.catchTags({ TransactionConflict: Effect.die, TransactionTooOld: Effect.die }))
}

const isConflict = (error: LsmError.WriteError): boolean => error._tag === "Conflict"

const checked = (
  store: Store.Store,
  writes: ReadonlyArray<Write>,
  options: Store.WriteOptions
): Effect.Effect<void, LsmError.WriteError> =>
  Effect.gen(function* () {
    const batch = WriteBatch.make()
    for (const [key, value] of writes) {
      const entry = yield* store.getEntry(bytes(key))
      batch.check(bytes(key), Option.isSome(entry) ? entry.value.version : "absent")
      addTo(batch, [key, value])
    }
    yield* store.write(batch, options)
  })

const writeWithin = (
  tx: Transaction.Transaction,
  writes: ReadonlyArray<Write>
): Effect.Effect<void, LsmError.WriteError> =>
  Effect.forEach(
    writes,
    ([key, value], i) => {
      const write =
        typeof value === "string"
          ? tx.put(bytes(key), value)
          : value === undefined
            ? tx.delete(bytes(key))
            : "value" in value
              ? tx.put(bytes(key), value.value, { expiresAt: value.expiresAt })
              : tx.deleteRange({ start: bytes(key), end: bytesOf(value.end) })
      return i % 2 === 0 ? Effect.zipRight(tx.get(bytes(key)), write) : write
    },
    { discard: true }
  )

/** What is read in a transaction that has written, and that is then given up. */
class Found {
  constructor(readonly answer: string) {}
}

/** Asks within a transaction that has made `writes`. Nothing of it is written. */
export const askWithin = (
  store: Store.Store,
  writes: ReadonlyArray<Write>,
  ask: (reader: Store.Store) => Effect.Effect<string, LsmError.ReadError>
): Effect.Effect<string, LsmError.ReadError> =>
  Transaction.transact(store, (tx) =>
    Effect.gen(function* () {
      yield* writeWithin(tx, writes)
      const answer = yield* ask(readerOf(tx))
      return yield* Effect.fail(new Found(answer))
    })
  ).pipe(
    Effect.catchAll((error) =>
      error instanceof Found
        ? Effect.succeed(error.answer)
        : error._tag === "TransactionConflict" || error._tag === "TransactionTooOld"
          ? Effect.die(error)
          : Effect.fail(error as LsmError.ReadError)
    )
  )

/** The reading methods of a store, in a transaction. */
const readerOf = (tx: Transaction.Transaction): Store.Store => {
  const { get, getString, getMany, has, scan, collect, count } = tx
  const reader: Partial<Store.Store> = {
    get,
    getString,
    getMany,
    has,
    scan,
    collect,
    count,
    entries: scan,
    keys: (options) => Stream.map(scan(options), ({ key }) => key),
    values: (options) => Stream.map(scan(options), ({ value }) => value)
  }
  return reader as Store.Store
}
