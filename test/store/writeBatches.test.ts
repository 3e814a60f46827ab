import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { type Store, Transaction, WriteBatch } from "effect-lsm"
import { operationSize } from "../../src/core/log/batchFormat.js"
import { diskOf, withStore } from "../support/laboratory.js"
import { checkAsync } from "../support/property.js"

/** A batch keeps what is longer than this in several pieces. */
const piece = 256 * 1024

interface Operation {
  readonly key: number
  /** The length of a value; undefined deletes the key. */
  readonly length: number | undefined
  readonly expires: boolean
}

const lengths = FastCheck.oneof(
  FastCheck.integer({ min: 0, max: 300 }),
  FastCheck.integer({ min: 0, max: 100_000 }),
  FastCheck.constantFrom(piece - 6, piece - 5, piece - 4, piece, piece + 1, 2 * piece),
  FastCheck.constant(undefined)
)
const operations: FastCheck.Arbitrary<ReadonlyArray<Operation>> = FastCheck.array(
  FastCheck.record({ key: FastCheck.nat(9), length: lengths, expires: FastCheck.boolean() }),
  { maxLength: 30, size: "max" }
)

const valueOf = (index: number, length: number) => new Uint8Array(length).map((_, i) => index * 31 + i * 7)

const addAll = (batch: WriteBatch.WriteBatch, all: ReadonlyArray<Operation>, content: Map<string, Buffer>) => {
  for (const [index, { key, length, expires }] of all.entries()) {
    if (length === undefined) {
      batch.delete(`${key}`)
      content.delete(`${key}`)
    } else {
      const value = valueOf(index, length)
      batch.put(`${key}`, value, expires ? { ttl: "1 hour" } : undefined)
      content.set(`${key}`, Buffer.from(value))
      // The batch has copied it.
      value.fill(0)
    }
  }
}

const expectContent = (store: Store.Store, content: ReadonlyMap<string, Buffer>) =>
  Effect.gen(function* () {
    for (let key = 0; key < 10; key++) {
      const found = Option.getOrUndefined(yield* store.get(`${key}`))
      const expected = content.get(`${key}`)
      expect(found !== undefined, `key ${key}`).toBe(expected !== undefined)
      if (found !== undefined) expect(Buffer.compare(found, expected!), `key ${key}`).toBe(0)
    }
  })

const sizeOf = ({ length, expires }: Operation) =>
  operationSize(1, length === undefined ? -1 : length + (expires ? 6 : 0))

/** The keys whose last operation is a put that expires, each in an hour from now. */
const expectTimes = (store: Store.Store, all: ReadonlyArray<Operation>, from: number) =>
  Effect.gen(function* () {
    const hour = 60 * 60 * 1000
    for (const { key } of all) {
      const last = all.findLast((other) => other.key === key)!
      const time = Option.getOrUndefined(yield* store.expiresAt(`${key}`))
      if (last.length === undefined || !last.expires) {
        expect(time, `key ${key}`).toBeUndefined()
      } else {
        expect(time, `key ${key}`).toBeGreaterThanOrEqual(from + hour)
        expect(time, `key ${key}`).toBeLessThanOrEqual(Date.now() + hour)
      }
    }
  })

/** Writes a batch with the store, and again with a transaction after more was added. */
const perform = (first: ReadonlyArray<Operation>, second: ReadonlyArray<Operation>, isCleared: boolean) =>
  withStore(diskOf(), (store) =>
    Effect.gen(function* () {
      const content = new Map<string, Buffer>()
      const batch = WriteBatch.make()
      addAll(batch, first, content)
      expect(batch.byteLength).toBe(first.reduce((sum, operation) => sum + sizeOf(operation), 0))
      const from = Date.now()
      yield* store.write(batch)
      yield* expectContent(store, content)
      yield* expectTimes(store, first, from)
      if (isCleared) batch.clear()
      addAll(batch, second, content)
      yield* Transaction.transact(store, (transaction) => transaction.write(batch))
      yield* expectContent(store, content)
      yield* expectTimes(store, isCleared ? second : [...first, ...second], from)
    })
  )

describe("a write batch", () => {
  it("of any size is written as it was built", () =>
    checkAsync(
      FastCheck.asyncProperty(operations, operations, FastCheck.boolean(), (first, second, isCleared) =>
        Effect.runPromise(perform(first, second, isCleared))
      ),
      30
    ))
})
