// A service with a store for each of 1,000 tenants, of which at most 32 are open at a time.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/tenants/main.ts
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Config, Console, Effect, Layer, Random } from "effect"
import { Storage } from "effect-lsm"
import { budget, Tenants } from "./tenants.js"

const MiB = 1024 * 1024
const capacity = 32
const residentMiB = Effect.sync(() => Math.round(process.memoryUsage().rss / MiB))

/** Two requests. */
const file = (tenant: string) => Effect.flatMap(Tenants, ({ use }) => use(tenant, (desk) => desk.file("a question")))
const newest = (tenant: string) => Effect.flatMap(Tenants, ({ use }) => use(tenant, (desk) => desk.newest(10)))

const program = (directory: string) =>
  Effect.gen(function* () {
    const count = yield* Config.withDefault(Config.integer("TENANTS"), 1000)
    const tenants = yield* Tenants
    const names = Array.from({ length: count }, (_, i) => `tenant-${i}`)

    const round = <A, E>(label: string, request: (tenant: string) => Effect.Effect<A, E, Tenants>) =>
      Effect.gen(function* () {
        const before = yield* tenants.counts
        const start = yield* Clock.currentTimeMillis
        const results = yield* Effect.forEach(yield* Random.shuffle(names), request, { concurrency: 16 })
        const seconds = ((yield* Clock.currentTimeMillis) - start) / 1000
        const { opens, closes, peak, open } = yield* tenants.counts
        yield* Console.log(
          `${label}: ${count} tenants in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} a second;`,
          `${opens - before.opens} opens, ${closes - before.closes} closes, ${open} open, at most ${peak};`,
          `${yield* residentMiB} MiB resident`
        )
        return results
      })

    const memory = (budget.memtableBytes * (1 + budget.maxFrozenMemtables) + budget.blockCacheBytes) / MiB
    yield* Console.log(
      `At most ${capacity} stores are open, of at most ${memory} MiB each. ${yield* residentMiB} MiB resident`
    )
    yield* round("new stores", file)
    yield* round("writing", file)
    const found = yield* round("reading", newest)
    yield* Console.log(`tenants with 2 tickets: ${found.filter((tickets) => tickets.length === 2).length}`)

    // Many requests to a few tenants share open stores.
    const before = yield* tenants.counts
    const requests = Array.from({ length: 400 }, (_, i) => names[i % 4]!)
    yield* Effect.forEach(requests, file, { concurrency: 64 })
    const after = yield* tenants.counts
    yield* Console.log(`${requests.length} requests to 4 tenants: ${after.opens - before.opens} opens`)

    yield* tenants.remove("tenant-0")
    yield* Console.log(`tenant-0 was removed, and begins again with ticket ${yield* file("tenant-0")}`)

    yield* tenants.whileClosed(
      "tenant-1",
      Effect.sync(() => writeFileSync(join(directory, "tenant-1", "CURRENT"), "not what a store writes"))
    )
    const refused = yield* Effect.flip(file("tenant-1"))
    yield* Console.log(
      `tenant-1 was damaged: ${refused._tag === "TenantUnavailable" ? refused.cause.message : refused}`
    )
    yield* Console.log(`tenant-2 goes on with ticket ${yield* file("tenant-2")}`)
  })

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-lsm-tenants-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const main = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const layer = Tenants.layer({ directory, capacity, idleTimeToLive: "30 seconds" })
  yield* Effect.provide(program(directory), Layer.provide(layer, Storage.layer))
})

NodeRuntime.runMain(Effect.scoped(main))
