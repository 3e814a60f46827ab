// Shows a store behind HTTP: PUT and GET /entries/:key, GET /entries?prefix= as a stream, and a graceful shutdown by SIGTERM.
// Run: npm run build && TSX_TSCONFIG_PATH=examples/tsconfig.json node --import tsx examples/http-service.ts
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpLayerRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Chunk, Config, Effect, Exit, Layer, Option, Schema, Stream } from "effect"
import { type LsmError, LsmStore, type Store } from "effect-lsm"

const pathKey = Effect.map(HttpLayerRouter.schemaPathParams(Schema.Struct({ key: Schema.String })), ({ key }) => key)

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const line = ({ key, value }: Store.Entry) => `${JSON.stringify([decoder.decode(key), decoder.decode(value)])}\n`
const encodeLines = (entries: Chunk.Chunk<Store.Entry>) => {
  const lines = Chunk.map(entries, line)
  return Chunk.of(encoder.encode(Chunk.join(lines, "")))
}

const badRequest = ({ message }: LsmError.InvalidArgument) =>
  Effect.succeed(HttpServerResponse.text(message, { status: 400 }))

const routes = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore

  const put = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    yield* store.put(yield* pathKey, new Uint8Array(yield* request.arrayBuffer))
    return HttpServerResponse.empty()
  })

  const get = Effect.gen(function* () {
    const value = yield* store.get(yield* pathKey)
    return Option.match(value, {
      onNone: () => HttpServerResponse.empty({ status: 404 }),
      onSome: (bytes) => HttpServerResponse.uint8Array(bytes)
    })
  })

  /** All entries as of one moment, a line of JSON each. A slow reader holds up neither writers nor other readers. */
  const scan = Effect.gen(function* () {
    const range = yield* HttpServerRequest.schemaSearchParams(Schema.Struct({ prefix: Schema.optional(Schema.String) }))
    const body = Stream.mapChunks(store.scan(range), encodeLines)
    return HttpServerResponse.stream(body, { contentType: "application/jsonl" })
  })

  return [
    HttpLayerRouter.route("PUT", "/entries/:key", Effect.catchTag(put, "InvalidArgument", badRequest)),
    HttpLayerRouter.route("GET", "/entries/:key", Effect.catchTag(get, "InvalidArgument", badRequest)),
    HttpLayerRouter.route("GET", "/entries", scan)
  ]
})

const server = createServer()

/** A response that is sent during the shutdown closes its connection, so that no other request comes by it. */
const closeWhenStopping = HttpLayerRouter.middleware(
  (handler) =>
    Effect.map(handler, (response) =>
      server.listening ? response : HttpServerResponse.setHeader(response, "connection", "close")
    ),
  { global: true }
)

/** Clients have ten seconds to take their responses. */
const limitShutdown = Effect.addFinalizer(() =>
  Effect.sync(() => setTimeout(() => server.closeAllConnections(), 10_000).unref())
)

const port = Config.withDefault(Config.integer("PORT"), 8080)
const Listening = Layer.unwrapEffect(
  Effect.map(port, (port) => NodeHttpServer.layer(() => server, { host: "127.0.0.1", port }))
)
const StoreLayer = LsmStore.layerConfig({
  directory: Config.string("DIRECTORY").pipe(Config.withDefault(join(tmpdir(), "effect-lsm-examples", "http-service")))
})

const application = Layer.merge(HttpLayerRouter.addAll(routes), closeWhenStopping)

// Layers end in reverse order: no new requests are taken, the server waits for those in flight, the store closes.
Layer.scopedDiscard(limitShutdown).pipe(
  Layer.provide(HttpLayerRouter.serve(application, { disableLogger: true })),
  Layer.provide(Listening),
  Layer.provide(StoreLayer),
  Layer.launch,
  NodeRuntime.runMain({
    // A shutdown by a signal is no failure.
    teardown: (exit, onExit) => onExit(Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause) ? 1 : 0)
  })
)
