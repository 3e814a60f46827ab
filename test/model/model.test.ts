import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Storage } from "effect-lsm"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { checkHistory, runCommands } from "./check.js"
import { drawProgram } from "./commands.js"
import { configurations } from "./configurations.js"

/** How many lists to run on every configuration: half of the short form of `npm run test:model`. */
const lists = 9
const seed = 20_260_101

describe(`a store behaves as a sorted map, and the same on ${configurations.length} configurations`, () => {
  for (let i = 0; i < lists; i++) {
    it(`seed ${seed + i}`, async () => {
      expect(await checkHistory(seed + i, 200)).toBeUndefined()
    }, 120_000)
  }
})

describe("a store on disk behaves as a sorted map", () => {
  for (const name of ["the defaults", "many levels"]) {
    it.scoped(`${name}, seed ${seed}`, () =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const storage = yield* Storage.make
        const configuration = configurations.findIndex((candidate) => candidate.name === name)
        const commands = drawProgram(seed, 150, false)
        const { fault } = yield* Effect.promise(() => runCommands(seed, configuration, commands, directory, storage))
        expect(fault).toBeUndefined()
      })
    )
  }
})
