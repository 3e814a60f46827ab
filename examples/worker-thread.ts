// Shows a store in a worker thread: the main thread sends requests, and its event loop does no work of the store.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/worker-thread.ts
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMainThread, Worker as NodeThread } from "node:worker_threads"
import { Worker, WorkerRunner } from "@effect/platform"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { type LsmError, LsmStore, type Store } from "effect-lsm"

/** Errors cross threads as messages, which Schema encodes and decodes. */
class StoreFailure extends Schema.TaggedError<StoreFailure>()("StoreFailure", { message: Schema.String }) {}
const storeFailure = ({ message }: LsmError.LsmError) => new StoreFailure({ message })

/** Each request says what it takes and returns. The first one opens the store. */
class InitialMessage extends Schema.TaggedRequest<InitialMessage>()("InitialMessage", {
  payload: { directory: Schema.String },
  success: Schema.Void,
  failure: StoreFailure
}) {}
class Put extends Schema.TaggedRequest<Put>()("Put", {
  payload: { key: Schema.String, value: Schema.String },
  success: Schema.Void,
  failure: StoreFailure
}) {}
class Get extends Schema.TaggedRequest<Get>()("Get", {
  payload: { key: Schema.String },
  success: Schema.Option(Schema.String),
  failure: StoreFailure
}) {}
class Keys extends Schema.TaggedRequest<Keys>()("Keys", {
  payload: { prefix: Schema.String },
  success: Schema.String,
  failure: StoreFailure
}) {}
const Request = Schema.Union(InitialMessage, Put, Get, Keys)

const decoder = new TextDecoder()
const withStore = <A>(use: (store: Store.Store) => Effect.Effect<A, LsmError.LsmError>) =>
  Effect.mapError(Effect.flatMap(LsmStore.LsmStore, use), storeFailure)

/** The layer of `InitialMessage` serves the other requests. The thread closes the store when it ends. */
const worker = WorkerRunner.layerSerialized(Request, {
  InitialMessage: ({ directory }) => Layer.mapError(LsmStore.layer({ directory }), storeFailure),
  Put: ({ key, value }) => withStore((store) => store.put(key, value)),
  Get: ({ key }) => withStore((store) => store.getString(key)),
  Keys: ({ prefix }) =>
    Stream.unwrap(Effect.map(LsmStore.LsmStore, (store) => store.keys({ prefix }))).pipe(
      Stream.mapBoth({ onFailure: storeFailure, onSuccess: (key) => decoder.decode(key) })
    )
})

const main = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-lsm-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  // The end of the scope ends the thread, and waits for that: the directory is removed after the store has closed.
  const store = yield* Worker.makeSerialized<typeof Request.Type>({
    initialMessage: () => new InitialMessage({ directory })
  })
  const put = (n: number) => store.executeEffect(new Put({ key: `user:${n}`, value: `User ${n}` }))
  yield* Effect.forEach([1, 2, 3], put, { concurrency: "unbounded" })
  yield* Console.log(yield* store.executeEffect(new Get({ key: "user:2" })))
  yield* Stream.runForEach(store.execute(new Keys({ prefix: "user:" })), Console.log)
}).pipe(Effect.scoped, Effect.zipRight(Console.log("The thread has closed the store")))

/** Compiled to JavaScript, `new NodeThread(new URL(import.meta.url))` is enough: only tsx must be registered in a thread. */
const register = `import("tsx/esm/api").then(({ register }) => (register(), import("${import.meta.url}")))`
const thread = NodeWorker.layer(() => new NodeThread(register, { eval: true }))

if (isMainThread) main.pipe(Effect.provide(thread), NodeRuntime.runMain)
else worker.pipe(Layer.provide(NodeWorkerRunner.layer), WorkerRunner.launch, NodeRuntime.runMain)
