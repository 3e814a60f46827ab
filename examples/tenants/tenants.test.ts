import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, TestClock } from "effect"
import { Storage } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { makePool } from "./pool.js"
import { budget, Tenants, type TenantsOptions } from "./tenants.js"

const options: TenantsOptions = { directory: "/tenants", capacity: 8, idleTimeToLive: "1 minute" }

/** A service on the files of `storage`. */
const serve = (storage: Layer.Layer<Storage.Storage>, changed: Partial<TenantsOptions> = {}) =>
  Effect.provide(Layer.provide(Tenants.layer({ ...options, ...changed }), storage))

/** A service of its own, on files in memory. */
const alone = (changed: Partial<TenantsOptions> = {}) => serve(Layer.fresh(Storage.layerMemory), changed)

const file = (tenant: string) => Effect.flatMap(Tenants, ({ use }) => use(tenant, (desk) => desk.file("a question")))
const newest = (tenant: string) => Effect.flatMap(Tenants, ({ use }) => use(tenant, (desk) => desk.newest(10)))
const counts = Effect.flatMap(Tenants, (tenants) => tenants.counts)

/** Numbers from 0 to 1, the same for the same seed (Park and Miller). */
const numbersOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

/** Lets other fibers run until a condition holds. */
const until = <R>(condition: Effect.Effect<boolean, never, R>): Effect.Effect<void, never, R> =>
  Effect.flatMap(condition, (holds) =>
    holds
      ? Effect.void
      : Effect.zipRight(
          Effect.promise(() => new Promise((done) => setImmediate(done))),
          until(condition)
        )
  )

describe("tenants", () => {
  it.effect("keeps what each tenant has, and few stores open, when 1,000 are asked for in any order", () =>
    Effect.gen(function* () {
      const random = numbersOf(7)
      const names = Array.from({ length: 1000 }, (_, i) => ({ name: `t${i}`, at: random() }))
      const order = names.sort((a, b) => a.at - b.at).map(({ name }) => name)
      let memory = 0
      const { use } = yield* Tenants
      const visit = (tenant: string) =>
        use(tenant, (desk) =>
          Effect.gen(function* () {
            yield* desk.file(tenant)
            const held = (yield* desk.stats).memory
            memory = Math.max(memory, held.activeMemtable + held.frozenMemtables + held.blockCache)
          })
        )
      yield* Effect.forEach(order, visit, { concurrency: 16, discard: true })
      const some = order.slice(0, 100)
      const found = yield* Effect.forEach(some, newest, { concurrency: 16 })
      expect(found.map((tickets) => tickets.map(({ subject }) => subject))).toStrictEqual(some.map((name) => [name]))
      const { open, opens, closes, peak } = yield* counts
      expect(peak).toBe(8)
      expect(open).toBe(8)
      expect(opens).toBe(closes + open)
      expect(memory).toBeGreaterThan(0)
      expect(memory).toBeLessThan(budget.memtableBytes * (1 + budget.maxFrozenMemtables) + budget.blockCacheBytes)
    }).pipe(alone())
  )

  it.effect("shares one open store among requests at the same time", () =>
    Effect.gen(function* () {
      const numbers = yield* Effect.forEach(
        Array.from({ length: 100 }, () => "a"),
        file,
        { concurrency: "unbounded" }
      )
      expect(numbers.sort((a, b) => a - b)).toStrictEqual(Array.from({ length: 100 }, (_, i) => i + 1))
      expect((yield* counts).opens).toBe(1)
    }).pipe(alone())
  )

  it.effect("closes a store that has been idle, and none that is in use", () =>
    Effect.gen(function* () {
      const { use } = yield* Tenants
      const go = yield* Deferred.make<void>()
      const using = yield* Effect.fork(use("long", (desk) => Effect.zipRight(Deferred.await(go), desk.file("late"))))
      yield* file("short")
      yield* TestClock.adjust("59 seconds")
      expect((yield* counts).open).toBe(2)
      yield* TestClock.adjust("1 second")
      yield* until(Effect.map(counts, ({ open }) => open === 1))
      yield* TestClock.adjust("1 hour")
      expect(yield* counts).toMatchObject({ open: 1, inUse: 1 })
      yield* Deferred.succeed(go, undefined)
      expect(yield* Fiber.join(using)).toBe(1)
      yield* TestClock.adjust("1 minute")
      yield* until(Effect.map(counts, ({ open }) => open === 0))
    }).pipe(alone())
  )

  it.effect("lets a request wait while all stores are in use", () =>
    Effect.gen(function* () {
      const { use } = yield* Tenants
      const go = yield* Deferred.make<void>()
      const using = yield* Effect.fork(use("a", (desk) => Effect.zipRight(Deferred.await(go), desk.file("late"))))
      yield* until(Effect.map(counts, ({ inUse }) => inUse === 1))
      const waiting = yield* Effect.fork(file("b"))
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow()
      expect(yield* counts).toMatchObject({ open: 1, inUse: 1, opens: 1 })
      yield* Deferred.succeed(go, undefined)
      expect(yield* Fiber.join(using)).toBe(1)
      expect(yield* Fiber.join(waiting)).toBe(1)
      expect((yield* counts).peak).toBe(1)
    }).pipe(alone({ capacity: 1 }))
  )

  it.effect("reports a damaged store, serves the other tenants, and that one again when it is mended", () =>
    Effect.gen(function* () {
      const storage = Layer.succeed(Storage.Storage, yield* Storage.makeMemory)
      yield* Effect.gen(function* () {
        const { rename } = yield* Storage.Storage
        const { whileClosed } = yield* Tenants
        yield* file("a")
        yield* file("b")
        yield* whileClosed("a", rename("/tenants/a/CURRENT", "/tenants/a/ASIDE"))
        yield* whileClosed("a", rename("/tenants/b/CURRENT", "/tenants/a/CURRENT"))
        const refused = yield* Effect.flip(file("a"))
        expect(refused).toMatchObject({ _tag: "TenantUnavailable", tenant: "a" })
        expect(yield* file("c")).toBe(1)
        expect((yield* counts).open).toBe(2)
        yield* whileClosed("a", rename("/tenants/a/ASIDE", "/tenants/a/CURRENT"))
        expect(yield* file("a")).toBe(2)
      }).pipe(serve(storage), Effect.provide(storage))
    })
  )

  it.effect("removes a tenant after the uses under way, for good", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      yield* Effect.gen(function* () {
        const { use, remove } = yield* Tenants
        const go = yield* Deferred.make<void>()
        yield* file("a")
        const using = yield* Effect.fork(use("a", (desk) => Effect.zipRight(Deferred.await(go), desk.newest(10))))
        yield* until(Effect.map(counts, ({ inUse }) => inUse === 1))
        const removing = yield* Effect.fork(remove("a"))
        yield* Effect.yieldNow()
        const later = yield* Effect.fork(newest("a"))
        yield* Effect.yieldNow()
        yield* Deferred.succeed(go, undefined)
        expect((yield* Fiber.join(using)).length).toBe(1)
        yield* Fiber.join(removing)
        expect(yield* Fiber.join(later)).toStrictEqual([])
        yield* remove("a")
        yield* remove("a")
        yield* machine.powerCut({ kept: "nothing" })
      }).pipe(serve(machine.storage))
      yield* Effect.gen(function* () {
        expect(yield* newest("a")).toStrictEqual([])
        expect(yield* file("a")).toBe(1)
      }).pipe(serve(machine.storage))
    })
  )

  it.effect("has all tickets that were filed before a power cut, and finishes removals that it cut short", () =>
    Effect.gen(function* () {
      for (const seed of [1, 2, 3, 4]) {
        const machine = yield* Testing.makeMachine({ seed })
        yield* Effect.gen(function* () {
          yield* Effect.forEach(["a", "b", "a", "c"], file)
          const { remove } = yield* Tenants
          yield* machine.fail({
            operation: "remove",
            files: "/.removed/",
            after: seed % 4,
            times: Number.POSITIVE_INFINITY
          })
          yield* Effect.flip(remove("b"))
          yield* machine.powerCut()
        }).pipe(serve(machine.storage))
        yield* Effect.gen(function* () {
          const found = yield* Effect.forEach(["a", "b", "c"], newest)
          expect(
            found.map((tickets) => tickets.length),
            `seed ${seed}`
          ).toStrictEqual([2, 0, 1])
          expect(yield* Effect.flatMap(Storage.Storage, ({ list }) => list("/tenants/.removed"))).toStrictEqual([])
        }).pipe(serve(machine.storage), Effect.provide(machine.storage))
      }
    })
  )

  it.effect("refuses names that would lead to another directory", () =>
    Effect.gen(function* () {
      for (const name of ["", ".", "..", "../a", "a/b", "A", ".removed", "a".repeat(64)]) {
        expect(yield* Effect.flip(file(name))).toMatchObject({ _tag: "InvalidTenant", tenant: name })
      }
    }).pipe(alone())
  )
})

describe("a pool", () => {
  for (const seed of [1, 2, 3]) {
    it.effect(`has at most its capacity, one of each name, and none closed in use, with the seed ${seed}`, () =>
      Effect.gen(function* () {
        const random = numbersOf(seed)
        const pause = Effect.suspend(() => Effect.repeatN(Effect.yieldNow(), Math.floor(random() * 8)))
        const open = new Map<string, { isOpen: boolean }>()
        const faults: Array<string> = []
        const pool = yield* makePool({
          capacity: 3,
          idleTimeToLive: "1 second",
          open: (name: string) =>
            Effect.gen(function* () {
              yield* pause
              if (random() < 0.1) return yield* Effect.fail("refused" as const)
              const resource = { isOpen: true }
              if (open.has(name)) faults.push(`two of ${name}`)
              open.set(name, resource)
              if (open.size > 3) faults.push(`${open.size} are open`)
              yield* Effect.addFinalizer(() =>
                Effect.gen(function* () {
                  resource.isOpen = false
                  yield* pause
                  open.delete(name)
                })
              )
              return resource
            })
        })
        const use = (name: string) =>
          pool.use(name, (resource) =>
            Effect.gen(function* () {
              if (!resource.isOpen) faults.push(`${name} was closed before its use`)
              yield* pause
              if (!resource.isOpen) faults.push(`${name} was closed in use`)
            })
          )
        const whileClosed = (name: string) =>
          pool.whileClosed(
            name,
            Effect.gen(function* () {
              yield* pause
              if (open.has(name)) faults.push(`${name} is open although it is barred`)
            })
          )
        const step = Effect.gen(function* () {
          yield* pause
          const name = `n${Math.floor(random() * 8)}`
          if (random() < 0.1) return yield* whileClosed(name)
          if (random() < 0.1) return yield* Effect.asVoid(Effect.flatMap(Effect.fork(use(name)), Fiber.interrupt))
          yield* Effect.catchAll(use(name), () => Effect.void)
        })
        const steps = Effect.forEach(
          Array.from({ length: 300 }, () => step),
          (one) => one,
          { concurrency: 12, discard: true }
        )
        let isDone = false
        const running = yield* Effect.fork(
          Effect.ensuring(
            steps,
            Effect.sync(() => (isDone = true))
          )
        )
        yield* until(
          Effect.zipRight(
            TestClock.adjust("300 millis"),
            Effect.sync(() => isDone)
          )
        )
        yield* Fiber.join(running)
        expect(faults).toStrictEqual([])
        yield* until(
          Effect.zipRight(
            TestClock.adjust("1 second"),
            Effect.sync(() => open.size === 0)
          )
        )
        expect(yield* pool.counts).toMatchObject({ open: 0, inUse: 0, peak: 3 })
      }).pipe(Effect.scoped)
    )
  }
})
