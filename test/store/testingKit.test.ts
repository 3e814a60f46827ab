import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { LsmError, LsmStore, type Store } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { keys } from "../support/bytes.js"
import { quietly } from "../support/laboratory.js"

const use = <A, E, R>(f: (store: Store.Store) => Effect.Effect<A, E, R>) => Effect.flatMap(LsmStore.LsmStore, f)
const allKeys = use((store) => keys(store.keys()))
const numbers = Array.from({ length: 40 }, (_, i) => String(i).padStart(2, "0"))

describe("a simulated machine", () => {
  it.effect("has its data when a store is opened again, and each machine its own", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const other = yield* Testing.makeMachine()
      yield* Effect.provide(
        use((store) => store.put("a", "1")),
        machine.layer()
      )
      expect(yield* Effect.provide(allKeys, machine.layer())).toStrictEqual(["a"])
      expect(yield* Effect.provide(allKeys, other.layer())).toStrictEqual([])
    })
  )

  it.effect("has a store that is opened once for all who need it", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      class Written extends Context.Tag("Written")<Written, boolean>() {}
      const written = Layer.effect(
        Written,
        use((store) => Effect.as(store.put("a", "1"), true))
      )
      const services = Layer.provideMerge(written, machine.layer())
      expect(yield* Effect.provide(Effect.andThen(Written, allKeys), services)).toStrictEqual(["a"])
    })
  )

  it.effect("keeps what was given to the operating system when the process crashes", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const after: Array<Exit.Exit<void, LsmError.WriteError>> = []
      const write = use((store) =>
        Effect.gen(function* () {
          for (const key of numbers) yield* store.put(key, "v", { durability: "buffered" })
          yield* machine.crash
          after.push(yield* Effect.exit(store.put("late", "v")))
          after.push(yield* Effect.exit(store.flush))
        })
      )
      yield* quietly(Effect.provide(write, machine.layer()))
      expect(after.every(Exit.isFailure)).toBe(true)
      expect(yield* Effect.provide(allKeys, machine.layer())).toStrictEqual(numbers)
    })
  )

  it.effect("loses at a power cut what was not synced, all of it or a part, and never more", () =>
    Effect.gen(function* () {
      const found = new Set<number>()
      for (const kept of ["nothing", "everything", ...Array.from({ length: 30 }, () => "random" as const)] as const) {
        const machine = yield* Testing.makeMachine({ seed: found.size + 5 })
        const write = use((store) =>
          Effect.gen(function* () {
            for (const key of numbers.slice(0, 10)) yield* store.put(key, "v", { durability: "sync" })
            for (const key of numbers.slice(10)) yield* store.put(key, "v", { durability: "buffered" })
            yield* machine.powerCut({ kept })
          })
        )
        yield* quietly(Effect.provide(write, machine.layer()))
        const there = yield* quietly(Effect.provide(allKeys, machine.layer()))
        expect(there).toStrictEqual(numbers.slice(0, there.length))
        expect(there.length).toBeGreaterThanOrEqual(10)
        if (kept === "nothing") expect(there).toHaveLength(10)
        if (kept === "everything") expect(there).toHaveLength(40)
        found.add(there.length)
      }
      expect(found.size).toBeGreaterThan(2)
    })
  )

  it.effect("leaves the same disk for the same seed", () =>
    Effect.gen(function* () {
      const run = (seed: number) =>
        Effect.gen(function* () {
          const machine = yield* Testing.makeMachine({ seed })
          const write = use((store) =>
            Effect.gen(function* () {
              for (const key of numbers) yield* store.put(key, "v", { durability: "buffered" })
              yield* machine.powerCut()
            })
          )
          yield* quietly(Effect.provide(write, machine.layer()))
          return (yield* quietly(Effect.provide(allKeys, machine.layer()))).length
        })
      const first = yield* Effect.forEach([1, 2, 3, 4, 5, 6], run)
      expect(yield* Effect.forEach([1, 2, 3, 4, 5, 6], run)).toStrictEqual(first)
      expect(new Set(first).size).toBeGreaterThan(1)
    })
  )

  it.effect("refuses operations by rules: which files, after how many, how often, until it is healed", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const program = use((store) =>
        Effect.gen(function* () {
          yield* store.put("a", "1", { durability: "buffered" })
          yield* machine.fail({ operation: "create", files: ".sst", code: "ENOSPC", times: Number.POSITIVE_INFINITY })
          expect(yield* Effect.flip(store.flush)).toBeInstanceOf(LsmError.DiskFull)
          yield* store.put("b", "2", { durability: "buffered" })
          yield* machine.heal
          yield* store.resume
          yield* store.flush
          yield* machine.fail({ operation: "append", files: ".log", after: 2 })
          yield* store.put("c", "3", { durability: "buffered" })
          yield* store.put("d", "4", { durability: "buffered" })
          expect(yield* Effect.flip(store.put("e", "5", { durability: "buffered" }))).toMatchObject({
            _tag: "StorageError",
            operation: "append",
            code: "EIO"
          })
          expect(yield* Effect.flip(store.put("f", "6"))).toBeInstanceOf(LsmError.StorePoisoned)
        })
      )
      yield* quietly(Effect.provide(program, machine.layer()))
      expect(yield* Effect.provide(allKeys, machine.layer())).toStrictEqual(["a", "b", "c", "d"])
    })
  )

  it.effect("has a file system for several stores", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const both = Effect.gen(function* () {
        const first = yield* LsmStore.makeFromStorage({ directory: "/a" })
        const second = yield* LsmStore.makeFromStorage({ directory: "/b" })
        yield* first.put("k", "a")
        expect(yield* second.getString("k")).toStrictEqual(Option.none())
      })
      yield* Effect.scoped(both).pipe(Effect.provide(machine.storage))
    })
  )
})
