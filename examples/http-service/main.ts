// Shows a service with typed keyspaces behind HTTP: a unique index, transactions, pages, typed errors, and a graceful shutdown.
// Run: npm run build && TSX_TSCONFIG_PATH=examples/tsconfig.json node --import tsx examples/http-service/main.ts
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HttpApiBuilder, HttpLayerRouter, HttpServerResponse } from "@effect/platform"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Config, Effect, Exit, Layer } from "effect"
import { LsmStore } from "effect-lsm"
import { Api } from "./api.js"
import { Shop } from "./shop.js"

const ShopHandlers = HttpApiBuilder.group(Api, "shop", (handlers) =>
  Effect.map(Shop, (shop) =>
    handlers
      .handle("addProduct", ({ payload }) => shop.addProduct(payload))
      .handle("listProducts", ({ urlParams }) => shop.listProducts(urlParams))
      .handle("getProduct", ({ path }) => shop.getProduct(path.sku))
      .handle("placeOrder", ({ path, payload }) => shop.placeOrder(path.id, payload))
  )
)

/** For those who watch the service. It is healthy as long as its store can be read. */
const monitoring = Effect.map(LsmStore.LsmStore, (store) => [
  HttpLayerRouter.route(
    "GET",
    "/health",
    Effect.match(store.has("health"), {
      onFailure: ({ message }) => HttpServerResponse.text(message, { status: 503 }),
      onSuccess: () => HttpServerResponse.text("ok")
    })
  ),
  HttpLayerRouter.route(
    "GET",
    "/metrics",
    Effect.map(store.prometheus, (text) => HttpServerResponse.text(text))
  )
])

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

const application = Layer.mergeAll(
  HttpLayerRouter.addHttpApi(Api, { openapiPath: "/openapi.json" }).pipe(Layer.provide(ShopHandlers)),
  HttpLayerRouter.addAll(monitoring),
  closeWhenStopping
)

// Layers end in reverse order: no new requests are taken, the server waits for those in flight, the store closes.
Layer.scopedDiscard(limitShutdown).pipe(
  Layer.provide(HttpLayerRouter.serve(application, { disableLogger: true })),
  Layer.provide(Listening),
  Layer.provide(Shop.layer),
  Layer.provide(StoreLayer),
  Layer.launch,
  NodeRuntime.runMain({
    // A shutdown by a signal is no failure.
    teardown: (exit, onExit) => onExit(Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause) ? 1 : 0)
  })
)
