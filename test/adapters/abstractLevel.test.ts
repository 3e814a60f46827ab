import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore } from "effect-lsm"
import { LsmLevel } from "effect-lsm/AbstractLevel"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { freshLocation, runLevelSuite } from "./abstractLevelSuite.js"

/** As many as the suite of abstract-level 3.1 has, about. Fewer would mean that parts of it did not run. */
const fewestAssertions = 5000

describe("the suite of abstract-level", () => {
  it.scopedLive("passes on disk", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryDirectory
      const outcome = yield* Effect.promise(() =>
        runLevelSuite((options) => new LsmLevel(freshLocation(parent), options))
      )
      expect(outcome.failures).toEqual([])
      expect(outcome.assertions).toBeGreaterThanOrEqual(fewestAssertions)
    })
  )

  it.scopedLive("passes in namespaces of one store", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      let count = 0
      const outcome = yield* Effect.promise(() =>
        runLevelSuite((options) => new LsmLevel(store, { ...options, namespace: `level ${count++}` }))
      )
      expect(outcome.failures).toEqual([])
      expect(outcome.assertions).toBeGreaterThanOrEqual(fewestAssertions)
    })
  )
})
