// Shows a store in a worker thread: the main thread sends requests, and its event loop does no work of the store.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/worker-thread.ts
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMainThread, Worker as NodeThread } from "node:worker_threads"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import { Rpc, RpcClient, RpcGroup, RpcServer, RpcWorker } from "@effect/rpc"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { type LsmError, LsmStore, type Store } from "effect-lsm"

/** Errors cross threads as messages, which Schema encodes and decodes. */
class StoreFailure extends Schema.TaggedError<StoreFailure>()("StoreFailure", { message: Schema.String }) {}
const storeFailure = ({ message }: LsmError.LsmError) => new StoreFailure({ message })

/** What the thread does. Each procedure says what it takes and returns. */
const Procedures = RpcGroup.make(
  Rpc.make("put", { payload: { key: Schema.String, value: Schema.String }, error: StoreFailure }),
  Rpc.make("get", { payload: { key: Schema.String }, success: Schema.Option(Schema.String), error: StoreFailure }),
  Rpc.make("keys", { payload: { prefix: Schema.String }, success: Schema.String, error: StoreFailure, stream: true })
)

/** The first message to the thread. */
const Start = Schema.Struct({ directory: Schema.String })

const decoder = new TextDecoder()

const handlers = Procedures.toLayer(
  Effect.gen(function* () {
    const { directory } = yield* RpcWorker.initialMessage(Start)
    // Each request fails if the store could not be opened.
    const opened = yield* Effect.exit(LsmStore.make({ directory }))
    const withStore = <A>(use: (store: Store.Store) => Effect.Effect<A, LsmError.LsmError>) =>
      Effect.mapError(Effect.flatMap(opened, use), storeFailure)

    return Procedures.of({
      put: ({ key, value }) => withStore((store) => store.put(key, value)),
      get: ({ key }) => withStore((store) => store.getString(key)),
      keys: ({ prefix }) =>
        Stream.unwrap(Effect.map(opened, (store) => store.keys({ prefix }))).pipe(
          Stream.map((key) => decoder.decode(key)),
          Stream.mapError(storeFailure)
        )
    })
  })
)

/** The thread opens the store when it starts, and closes it when it ends. */
const worker = RpcServer.layer(Procedures).pipe(
  Layer.provide(handlers),
  Layer.provide(RpcServer.layerProtocolWorkerRunner),
  Layer.provide(NodeWorkerRunner.layer)
)

/** Compiled to JavaScript, `new NodeThread(new URL(import.meta.url))` is enough: only tsx must be registered in a thread. */
const register = `import("tsx/esm/api").then(({ register }) => (register(), import("${import.meta.url}")))`

/** The end of this layer ends the thread, and waits for that. */
const thread = (directory: string) =>
  RpcClient.layerProtocolWorker({ size: 1 }).pipe(
    Layer.provide(RpcWorker.layerInitialMessage(Start, Effect.succeed({ directory }))),
    Layer.provide(NodeWorker.layerPlatform(() => new NodeThread(register, { eval: true })))
  )

const requests = Effect.gen(function* () {
  const store = yield* RpcClient.make(Procedures)
  const put = (n: number) => store.put({ key: `user:${n}`, value: `User ${n}` })
  yield* Effect.forEach([1, 2, 3], put, { concurrency: "unbounded" })
  yield* Console.log(yield* store.get({ key: "user:2" }))
  yield* Stream.runForEach(store.keys({ prefix: "user:" }), Console.log)
}).pipe(Effect.scoped)

const main = Effect.gen(function* () {
  // The directory is removed after the store has closed.
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-lsm-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  yield* Effect.provide(requests, thread(directory))
  yield* Console.log("The thread has closed the store")
}).pipe(Effect.scoped)

if (isMainThread) main.pipe(NodeRuntime.runMain)
else worker.pipe(Layer.launch, NodeRuntime.runMain)
