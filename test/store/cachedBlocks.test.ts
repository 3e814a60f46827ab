import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { LsmStore, type Store } from "effect-lsm"
import { quietly } from "../support/laboratory.js"
import { checkAsync } from "../support/property.js"

const keys = Array.from({ length: 400 }, (_, i) => `key ${String(i).padStart(3, "0")}`)
/** Some keys are written so often that their versions fill blocks. */
const key = FastCheck.oneof(FastCheck.nat(5), FastCheck.nat(keys.length - 1)).map((i) => keys[i * (i < 6 ? 60 : 1)]!)

type Step = { readonly [K in "put" | "delete" | "deleteRange" | "get"]?: string } & {
  readonly flush?: boolean
  readonly compact?: boolean
  readonly snapshot?: true
}

const steps: FastCheck.Arbitrary<ReadonlyArray<Step>> = FastCheck.array(
  FastCheck.oneof(
    { weight: 20, arbitrary: FastCheck.record({ put: key }) },
    { weight: 6, arbitrary: FastCheck.record({ delete: key }) },
    { weight: 1, arbitrary: FastCheck.record({ deleteRange: key }) },
    { weight: 30, arbitrary: FastCheck.record({ get: key }) },
    { weight: 4, arbitrary: FastCheck.record({ snapshot: FastCheck.constant(true as const) }) },
    { weight: 6, arbitrary: FastCheck.record({ flush: FastCheck.boolean() }) },
    { weight: 3, arbitrary: FastCheck.record({ compact: FastCheck.boolean() }) }
  ),
  { minLength: 20, maxLength: 120, size: "max" }
)

/** There is room for all entries, so whole blocks enter the cache, but not for all blocks beside them. */
const cache = { blockCacheBytes: 200_000, compression: "none" } as const
/** Tables stay at level 0 until the store is compacted, or go down a deep tree. */
const shapes = [
  { ...cache, level0Tables: 100 },
  { ...cache, level0Tables: 2, level1Bytes: 8_000, levelRatio: 2, tableBytes: 4_000, memtableBytes: 4_000 }
] as const

const long = "x".repeat(200)

const fill = (store: Store.Store, expected: Map<string, string>) =>
  Effect.gen(function* () {
    for (const name of keys) {
      expected.set(name, `first ${name} ${long}`)
      yield* store.put(name, `first ${name} ${long}`)
    }
    yield* store.compact()
    // The share of entries is decided after some lookups.
    for (let i = 0; i < 80; i++) yield* store.get(keys[0]!)
  })

const readAll = (store: Pick<Store.Store, "getString">, expected: ReadonlyMap<string, string>) =>
  Effect.gen(function* () {
    for (const name of keys) expect(Option.getOrUndefined(yield* store.getString(name))).toBe(expected.get(name))
  })

describe("blocks whose entries enter the cache", () => {
  it("hold the newest versions, whatever is written, flushed and compacted meanwhile", () =>
    checkAsync(
      FastCheck.asyncProperty(steps, FastCheck.constantFrom(...shapes), (plan, shape) =>
        Effect.gen(function* () {
          const store = yield* LsmStore.makeMemory(shape)
          const views: Array<readonly [Store.ReadView, ReadonlyMap<string, string>]> = []
          const expected = new Map<string, string>()
          yield* fill(store, expected)
          const running: Array<Fiber.RuntimeFiber<unknown, unknown>> = []
          let turn = 0
          for (const step of plan) {
            turn++
            if (step.put !== undefined) {
              expected.set(step.put, `${turn} ${long}`)
              yield* store.put(step.put, `${turn} ${long}`)
            } else if (step.delete !== undefined) {
              expected.delete(step.delete)
              yield* store.delete(step.delete)
            } else if (step.deleteRange !== undefined) {
              const start = step.deleteRange
              const end = `${start}~`.slice(0, 6)
              yield* store.deleteRange({ start, end: `${end}~` })
              for (const name of keys) if (name >= start && name < `${end}~`) expected.delete(name)
            } else if (step.snapshot) {
              views.push([yield* store.snapshot, new Map(expected)])
            } else if (step.get !== undefined) {
              expect(Option.getOrUndefined(yield* store.getString(step.get))).toBe(expected.get(step.get))
            } else {
              const work = step.flush !== undefined ? store.flush : store.compact()
              const fiber = yield* Effect.fork(work)
              if (step.flush ?? step.compact) yield* Fiber.join(fiber)
              // Gets of the next steps come between the slices of this one.
              else running.push(fiber)
            }
            if (turn % 3 === 0) yield* Effect.yieldNow()
          }
          yield* readAll(store, expected)
          for (const fiber of running) yield* Fiber.join(fiber)
          yield* readAll(store, expected)
          yield* store.compact()
          yield* readAll(store, expected)
          yield* readAll(store, expected)
          for (const [view, then] of views.slice(-2)) yield* readAll(view, then)
        }).pipe(Effect.scoped, quietly, Effect.runPromise)
      ),
      60
    ))

  it.scoped("give nothing that a range deletion hides, also when that is gone", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(shapes[0])
      const expected = new Map<string, string>()
      yield* fill(store, expected)
      const isLeft = (_: string, i: number): boolean => i % 10 < 3
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* store.snapshot
          for (let i = 3; i < keys.length; i += 10)
            yield* store.deleteRange({ start: keys[i]!, end: `${keys[i + 6]}~` })
          yield* store.compact()
          for (const name of keys.filter(isLeft)) yield* store.get(name)
        })
      )
      yield* store.compact()
      for (const [i, name] of keys.entries()) {
        expect(Option.isSome(yield* store.get(name)), name).toBe(isLeft(name, i))
      }
    })
  )

  it.scoped("are read once for all their entries", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(shapes[0])
      const expected = new Map<string, string>()
      yield* fill(store, expected)
      const before = (yield* store.stats).cache
      yield* readAll(store, expected)
      const after = (yield* store.stats).cache
      expect(after.entryHits - before.entryHits).toBeGreaterThan(keys.length * 0.8)
      expect(after.misses - before.misses).toBeLessThan(keys.length * 0.2)
    })
  )
})
