import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { LsmError } from "effect-lsm"
import * as places from "../support/places.js"

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte)

/** Values in memtables and in tables, inline and separated, smaller and larger than what is kept. */
const sizes = [0, 1, 100, 5000, 70_000, 1024 * 1024 + 1]

describe("getWith", () => {
  it.scoped("passes each value as it is, wherever it lies, and returns the result", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (const size of sizes) yield* store.put(`k${size}`, filled(size, size))
            yield* store.put("expires", filled(3000, 9), { ttl: "1 hour" })
            const check = Effect.gen(function* () {
              for (const size of [...sizes, ...sizes]) {
                const same = yield* store.getWith(
                  `k${size}`,
                  (bytes) => Buffer.compare(bytes, filled(size, size)) === 0
                )
                expect(same).toStrictEqual(Option.some(true))
              }
              expect(yield* store.getWith("expires", (bytes) => [bytes.length, bytes[2999]])).toStrictEqual(
                Option.some([3000, 9])
              )
              expect(yield* store.getWith("none", () => 1)).toStrictEqual(Option.none())
            })
            yield* check
            yield* store.flush
            for (let i = 0; i < 3; i++) yield* check
            yield* store.compact()
            yield* check
          }),
        { valueThreshold: 2000, durability: "buffered" }
      )
    })
  )

  it.scoped("sees what its snapshot sees", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "old")
          const snapshot = yield* store.snapshot
          yield* store.put("k", "new")
          const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
          expect(yield* store.getWith("k", text, { snapshot })).toStrictEqual(Option.some("old"))
          expect(yield* store.getWith("k", text)).toStrictEqual(Option.some("new"))
        }).pipe(Effect.scoped)
      )
    })
  )

  it.scoped("lends memory whose change changes nothing in the store, also while reads are nested", () =>
    Effect.gen(function* () {
      const place = yield* places.disk
      yield* places.withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            for (const flushed of [false, true]) {
              for (const size of [50, 4000]) {
                yield* store.put("a", filled(size, 1))
                yield* store.put("b", filled(size, 2))
                if (flushed) yield* store.flush
                for (let i = 0; i < 3; i++) {
                  const nested = yield* store.getWith("a", (outer) => {
                    const inner = Effect.runSync(store.getWith("b", (bytes) => bytes.fill(7).length))
                    const text = Effect.runSync(store.getString("b"))
                    const same = Buffer.compare(outer, filled(size, 1)) === 0
                    outer.fill(9)
                    return [Option.getOrThrow(inner), Option.getOrThrow(text).charCodeAt(0), same]
                  })
                  expect(nested).toStrictEqual(Option.some([size, 2, true]))
                }
                expect(Buffer.compare(store.unsafeGet("a")!, filled(size, 1))).toBe(0)
                expect(Buffer.compare(store.unsafeGet("b")!, filled(size, 2))).toBe(0)
              }
            }
          }),
        { valueThreshold: 2000, durability: "buffered" }
      )
    })
  )

  it.scoped("dies with what its function throws, and the store goes on", () =>
    Effect.gen(function* () {
      const place = yield* places.memory
      yield* places.withStore(place, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          for (const thrown of [new Error("mine"), new LsmError.InvalidArgument({ argument: "a", reason: "b" })]) {
            const exit = yield* Effect.exit(
              Effect.ignore(
                store.getWith("k", () => {
                  throw thrown
                })
              )
            )
            expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe(thrown)
          }
          expect(yield* store.getWith("k", (bytes) => bytes.length)).toStrictEqual(Option.some(1))
          expect(yield* Effect.flip(store.getWith(1 as never, () => 1))).toMatchObject({ _tag: "InvalidArgument" })
        })
      )
    })
  )
})
