import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Scope from "effect/Scope"
import { lazyFibers } from "../../../src/internal/effect/lazyFibers.js"

describe("lazy fibers", () => {
  it.effect("start once, on request, and inherit nothing from the caller", () =>
    Effect.gen(function* () {
      const inherited = FiberRef.unsafeMake("the store's")
      const seen: Array<string> = []
      const begun = Effect.unsafeMakeLatch(false)
      const scope = yield* Scope.make()
      const fibers = yield* Scope.extend(lazyFibers, scope)
      const ask = fibers.startOnRequest(
        FiberRef.get(inherited).pipe(
          Effect.tap((value) => Effect.sync(() => seen.push(value))),
          Effect.zipRight(begun.open),
          Effect.zipRight(Effect.never)
        )
      )
      yield* Effect.yieldNow()
      expect(seen).toStrictEqual([])
      const asked = Effect.sync(() => [ask(), ask()])
      expect(yield* Effect.locally(asked, inherited, "the caller's")).toStrictEqual([true, true])
      expect(seen).toStrictEqual([])
      yield* begun.await
      yield* Scope.close(scope, Exit.void)
      expect(seen).toStrictEqual(["the store's"])
    })
  )

  it.effect("end with the scope, and then the work for afterEnd runs", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const record = (what: string) => Effect.sync(() => events.push(what))
      const begun = Effect.unsafeMakeLatch(false)
      const scope = yield* Scope.make()
      const fibers = yield* Scope.extend(lazyFibers, scope)
      const work = Effect.ensuring(Effect.zipRight(begun.open, Effect.never), record("fiber"))
      const [running, idle, late] = [work, work, record("not yet run")].map((effect) =>
        fibers.startOnRequest(Effect.asVoid(effect))
      )
      fibers.afterEnd(record("behind"))
      expect(running!()).toBe(true)
      yield* begun.await
      // The scope closes before this fiber runs.
      expect(late!()).toBe(true)
      yield* Scope.close(scope, Exit.void)
      expect(events).toStrictEqual(["fiber", "behind"])
      expect([running!(), idle!()]).toStrictEqual([false, false])
      yield* Effect.yieldNow()
      expect(events).toStrictEqual(["fiber", "behind"])
    })
  )
})
