// Shows two stores in one program: each has a Tag, a directory and options of its own.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/two-stores.ts
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Context, Effect, Layer, Option } from "effect"
import { LsmStore, type Store } from "effect-lsm"

/** Orders must not be lost: every write is on disk when it returns. */
class Orders extends Context.Tag("Orders")<Orders, Store.Store>() {
  static readonly layer = (directory: string) => Layer.scoped(Orders, LsmStore.make({ directory }))
}

/** Pages can be made again: writes return at once and are synced once a second, and memory is small. */
class Pages extends Context.Tag("Pages")<Pages, Store.Store>() {
  static readonly layer = (directory: string) =>
    Layer.scoped(
      Pages,
      LsmStore.make({
        directory,
        durability: { interval: "1 second" },
        memtableBytes: 4 * 1024 * 1024,
        blockCacheBytes: 4 * 1024 * 1024
      })
    )
}

const order = (id: string, item: string) =>
  Effect.gen(function* () {
    const orders = yield* Orders
    const pages = yield* Pages
    yield* orders.put(`order:${id}`, item)
    // The page of this order is out of date now.
    yield* pages.delete(`page:${id}`)
  })

const page = (id: string) =>
  Effect.gen(function* () {
    const orders = yield* Orders
    const pages = yield* Pages
    const cached = yield* pages.getString(`page:${id}`)
    if (Option.isSome(cached)) return `${cached.value} (cached)`
    const item = yield* orders.getString(`order:${id}`)
    const html = `<h1>${Option.getOrElse(item, () => "no such order")}</h1>`
    yield* pages.put(`page:${id}`, html)
    return html
  })

const program = Effect.gen(function* () {
  yield* order("1", "a lamp")
  yield* Console.log(yield* page("1"))
  yield* Console.log(yield* page("1"))
  yield* order("1", "two lamps")
  yield* Console.log(yield* page("1"))
  yield* Console.log(`orders: ${yield* (yield* Orders).count()}, pages: ${yield* (yield* Pages).count()}`)
})

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-lsm-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

// One layer for both. The stores close before the directory that holds them is removed.
const stores = Layer.unwrapScoped(
  Effect.map(temporaryDirectory, (directory) =>
    Layer.merge(Orders.layer(join(directory, "orders")), Pages.layer(join(directory, "pages")))
  )
)

program.pipe(Effect.provide(stores), NodeRuntime.runMain)
