// Shows a store behind HTTP: PUT and GET /entries/:key, GET /entries?prefix= as a stream, and a graceful shutdown by SIGTERM.
// Run: npm run build && TSX_TSCONFIG_PATH=examples/tsconfig.json node --import tsx examples/http-service.ts
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpMiddleware, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Chunk, Config, Effect, Layer, Option, Schema, Stream } from "effect"
import { LsmStore, type Store } from "effect-lsm"

const pathKey = Effect.map(HttpRouter.schemaPathParams(Schema.Struct({ key: Schema.String })), ({ key }) => key)

const put = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const request = yield* HttpServerRequest.HttpServerRequest
  yield* store.put(yield* pathKey, new Uint8Array(yield* request.arrayBuffer))
  return HttpServerResponse.empty()
})

const get = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const value = yield* store.get(yield* pathKey)
  return Option.match(value, {
    onNone: () => HttpServerResponse.empty({ status: 404 }),
    onSome: (bytes) => HttpServerResponse.uint8Array(bytes)
  })
})

const decoder = new TextDecoder()
const encoder = new TextEncoder()
const line = ({ key, value }: Store.Entry) => `${JSON.stringify([decoder.decode(key), decoder.decode(value)])}\n`
const encodeLines = (all: Chunk.Chunk<Store.Entry>) => Chunk.of(encoder.encode(Chunk.join(Chunk.map(all, line), "")))

/** All entries as of one moment, a line of JSON each. A slow reader holds up neither writers nor other readers. */
const scan = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const range = yield* HttpServerRequest.schemaSearchParams(Schema.Struct({ prefix: Schema.optional(Schema.String) }))
  const body = Stream.mapChunks(store.scan(range), encodeLines)
  return HttpServerResponse.stream(body, { contentType: "application/jsonl" })
})

const router = HttpRouter.empty.pipe(
  HttpRouter.put("/entries/:key", put),
  HttpRouter.get("/entries/:key", get),
  HttpRouter.get("/entries", scan),
  HttpRouter.catchTag("InvalidArgument", ({ message }) => HttpServerResponse.text(message, { status: 400 }))
)

const server = createServer()

/** A response that is sent during the shutdown closes its connection, so that no other request comes by it. */
const closeWhenStopping = HttpMiddleware.make((app) =>
  Effect.map(app, (response) =>
    server.listening ? response : HttpServerResponse.setHeader(response, "connection", "close")
  )
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

// Layers end in reverse order: no new requests are taken, the server waits for those in flight, the store closes.
Layer.scopedDiscard(Effect.zipRight(limitShutdown, HttpServer.serveEffect(router, closeWhenStopping))).pipe(
  HttpServer.withLogAddress,
  Layer.provide(Listening),
  Layer.provide(StoreLayer),
  Layer.launch,
  NodeRuntime.runMain
)
