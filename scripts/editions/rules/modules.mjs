// Where modules stand in Effect 4.

/** Modules that stand elsewhere in Effect 4. */
const modules = {
  "effect/Either": "effect/Result",
  "effect/FastCheck": "fast-check",
  "effect/TestClock": "effect/testing/TestClock",
  "@effect/cli/Args": "effect/cli/Argument",
  "@effect/cli/Command": "effect/cli/Command",
  "@effect/cli/Options": "effect/cli/Flag",
  "@effect/experimental/PersistedCache": "effect/persistence/PersistedCache",
  "@effect/experimental/PersistedQueue": "effect/persistence/PersistedQueue",
  "@effect/experimental/Persistence": "effect/persistence/Persistence",
  "@effect/experimental/RateLimiter": "effect/persistence/RateLimiter",
  "@effect/platform/Error": "effect/PlatformError",
  "@effect/platform/FileSystem": "effect/FileSystem",
  "@effect/platform/Headers": "effect/http/Headers",
  "@effect/platform/KeyValueStore": "effect/persistence/KeyValueStore",
  "@effect/platform/HttpApi": "effect/http-api/HttpApi",
  "@effect/platform/HttpApiBuilder": "effect/http-api/HttpApiBuilder",
  "@effect/platform/HttpApiEndpoint": "effect/http-api/HttpApiEndpoint",
  "@effect/platform/HttpApiGroup": "effect/http-api/HttpApiGroup",
  "@effect/platform/HttpApiSchema": "effect/http-api/HttpApiSchema",
  "@effect/platform/HttpLayerRouter": "effect/http/HttpRouter",
  "@effect/platform/HttpServerRequest": "effect/http/HttpServerRequest",
  "@effect/platform/HttpServerResponse": "effect/http/HttpServerResponse",
  "@effect/platform/Terminal": "effect/Terminal",
  "@effect/platform/Worker": "effect/workers/Worker",
  "@effect/platform/WorkerError": "effect/workers/WorkerError",
  "@effect/platform/WorkerRunner": "effect/workers/WorkerRunner",
  "@effect/platform/Transferable": "effect/workers/Transferable",
  "@effect/platform-node/NodeContext": "@effect/platform-node/NodeServices",
  "@effect/rpc/Rpc": "effect/rpc/Rpc",
  "@effect/rpc/RpcClient": "effect/rpc/RpcClient",
  "@effect/rpc/RpcGroup": "effect/rpc/RpcGroup",
  "@effect/rpc/RpcSchema": "effect/rpc/RpcSchema",
  "@effect/rpc/RpcServer": "effect/rpc/RpcServer",
  "@effect/rpc/RpcWorker": "effect/rpc/RpcWorker"
}

/** Packages that are folders of `effect` in Effect 4, with the same modules. */
const folders = /^@effect\/(cluster|workflow)(?=\/|$)/

/** Where a module stands in Effect 4. */
export const moduleFor4 = (specifier) => modules[specifier] ?? specifier.replace(folders, "effect/$1")

/** The barrel that exports a module, for files that import from barrels. */
export const barrelOf = (specifier) => {
  if (/^effect\/[A-Z]\w*$/.test(specifier)) return "effect"
  const folder = /^(effect\/[a-z-]+)\/[A-Z]\w*$/.exec(specifier)
  if (folder !== null) return folder[1]
  return /^@effect\/platform-node\/\w+$/.test(specifier) ? "@effect/platform-node" : undefined
}
