// Shows how an application tests what it keeps in a store: `layerMemory` runs the whole engine with nothing on disk.
// Run: npx vitest run examples
import { describe, expect, it } from "@effect/vitest"
import { Effect, Option, TestClock } from "effect"
import { LsmStore } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { Sessions } from "./sessions.js"

/** Each call of `layerMemory` is a store of its own, so no test sees what another wrote. */
const withSessions = <A, E>(test: Effect.Effect<A, E, Sessions | LsmStore.LsmStore>) =>
  test.pipe(Effect.provide(Sessions.layer("1 hour")), Effect.provide(LsmStore.layerMemory()))

describe("Sessions", () => {
  it.effect("finds a session until it expires", () =>
    withSessions(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.begin("token", "Ada")
        yield* TestClock.adjust("59 minutes")
        expect(yield* sessions.find("token")).toStrictEqual(Option.some("Ada"))
        yield* TestClock.adjust("1 minute")
        expect(yield* sessions.find("token")).toStrictEqual(Option.none())
      })
    )
  )

  it.effect("begins a session again with its full time", () =>
    withSessions(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.begin("token", "Ada")
        yield* TestClock.adjust("59 minutes")
        yield* sessions.begin("token", "Ada")
        yield* TestClock.adjust("59 minutes")
        expect(yield* sessions.find("token")).toStrictEqual(Option.some("Ada"))
      })
    )
  )

  it.effect("removes from the store what has expired, and nothing else", () =>
    withSessions(
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const store = yield* LsmStore.LsmStore
        yield* store.put("settings", "kept")
        yield* sessions.begin("old", "Ada")
        yield* TestClock.adjust("30 minutes")
        yield* sessions.begin("new", "Grace")
        yield* TestClock.adjust("30 minutes")
        expect(yield* sessions.sweep).toBe(1)
        expect(yield* sessions.find("new")).toStrictEqual(Option.some("Grace"))
        expect(yield* store.count()).toBe(2)
        expect(yield* sessions.sweep).toBe(0)
      })
    )
  )

  it.effect("has a session after a power cut as soon as it has begun", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const begun = Effect.gen(function* () {
        const sessions = yield* Sessions
        yield* sessions.begin("token", "Ada")
        yield* machine.powerCut({ kept: "nothing" })
      })
      const session = <A, E>(use: Effect.Effect<A, E, Sessions>) =>
        use.pipe(Effect.provide(Sessions.layer("1 hour")), Effect.provide(machine.layer()))
      yield* session(begun)
      const found = yield* session(Effect.flatMap(Sessions, (sessions) => sessions.find("token")))
      expect(found).toStrictEqual(Option.some("Ada"))
    })
  )
})
