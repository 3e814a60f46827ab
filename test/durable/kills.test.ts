import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runKills } from "./kills.js"

const seed = Number(process.env["LSM_TEST_SEED"] ?? 1)

/** The short form of `npm run test:durable`. */
it.scopedLive(`finishes workflows and jobs after 10 kills, seed ${seed}`, () =>
  Effect.gen(function* () {
    const tally = yield* runKills(10, seed)
    expect(tally.faults).toStrictEqual([])
    expect(tally).toMatchObject({ killed: 10, orders: 20 })
  })
)
