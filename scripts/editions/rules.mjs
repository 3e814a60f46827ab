// What is called otherwise in Effect 4, as far as this project uses it. A rule is
//
//   "name"           the member has this name
//   "module#name"    it has this name in another module
//   a function       edits the place itself; for what is more than a name
//
// Source: Effect's migration notes (MIGRATION.md and migration/ in Effect-TS/effect-smol) and the types of effect 4.1.

import ts from "typescript"

/** Modules that stand elsewhere in Effect 4. */
export const modules = {
  "effect/Either": "effect/Result",
  "effect/FastCheck": "fast-check",
  "effect/TestClock": "effect/testing/TestClock",
  "@effect/cli/Args": "effect/cli/Argument",
  "@effect/cli/Command": "effect/cli/Command",
  "@effect/cli/Options": "effect/cli/Flag",
  "@effect/platform/Error": "effect/PlatformError",
  "@effect/platform/FileSystem": "effect/FileSystem",
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
  "@effect/rpc/RpcServer": "effect/rpc/RpcServer",
  "@effect/rpc/RpcWorker": "effect/rpc/RpcWorker"
}

/** Files of the root that this edition has no use for. */
export const absent = ["src/cli/framework/console.ts", "src/cli/framework/help.ts", "src/cli/framework/words.ts"]

/** Names that are imported one by one out of a module. */
export const names = {
  "@effect/platform/Error": {}
}

/** The barrel that exports a module, for files that import from barrels. */
export const barrelOf = (specifier) => {
  if (/^effect\/[A-Z]\w*$/.test(specifier)) return "effect"
  const folder = /^(effect\/[a-z-]+)\/[A-Z]\w*$/.exec(specifier)
  if (folder !== null) return folder[1]
  return /^@effect\/platform-node\/\w+$/.test(specifier) ? "@effect/platform-node" : undefined
}

/** `name(a, b)` to `name([a, b])`. */
const argumentsAsArray =
  (to) =>
  ({ call, edits, rename, target }) => {
    rename(target, to)
    edits.insert(call.arguments.pos, "[")
    edits.insert(call.arguments.end, "]")
  }

/** `name()` to `name`. */
const withoutCall = ({ access, call, edits, rename, target }) => {
  rename(target)
  edits.replace(access.end, call.end, "")
}

/** `name(a, …)` to `name(…)`, without the arguments. */
const withoutArguments =
  (specifier, to) =>
  ({ call, drop, edits, rename }) => {
    rename(specifier, to)
    if (call.arguments.length > 0) edits.replace(call.arguments.pos, call.arguments.end, "")
    drop(call.arguments)
  }

/** `name(…, value)` to `provideService(…, Service, value)`, with the Service of a module. */
const asService =
  (module, name, provide = "effect/Effect#provideService") =>
  ({ call, edits, rename, use }) => {
    rename(...provide.split("#"))
    edits.insert(call.arguments.at(-1).getStart(), `${use(module, true)}.${name}, `)
  }

/** `filter(…)` to `check(newFilter(…))`, both of Schema. */
const asCheck =
  (filter) =>
  ({ call, edits, rename, target }) => {
    rename(target, "check")
    edits.insert(call.arguments[0].getStart(), `Schema.${filter}(`)
    edits.insert(call.arguments[0].end, ")")
  }

/** `Module.Module.Type` to `Module.Type`. */
const withoutNamespace = ({ access, edits, rename, target }) => {
  if (!ts.isQualifiedName(access.parent)) return rename(target)
  rename(target, "")
  edits.replace(access.right.getStart() - 1, access.right.getStart(), "")
}

/** A member that is a string. */
const asText =
  (text) =>
  ({ access, edits }) =>
    edits.replace(access.getStart(), access.end, JSON.stringify(text))

export const members = {
  "@effect/platform-node/NodeWorker": { layerPlatform: "layer" },
  "@effect/platform/Worker": { PlatformWorker: "WorkerPlatform" },
  "@effect/platform/WorkerRunner": { PlatformRunner: "WorkerRunnerPlatform" },
  "@effect/cli/Command": {
    // Command.run(command, { name, version })(words) to Command.run(command, { version })
    run: ({ call, drop, edits, rename, target }) => {
      rename(target)
      if (call === undefined || !ts.isCallExpression(call.parent)) return
      const [name, version] = call.arguments[1].properties
      edits.replace(name.getStart(), version.getStart(), "")
      edits.replace(call.end, call.parent.end, "")
      drop(call.parent.arguments)
    }
  },
  "@effect/cli/Options": {
    choice: "Literals",
    choiceWithValue: "ChoiceWithValue",
    text: "String",
    integer: "Int"
  },
  "@effect/platform-node/NodeRuntime": {
    // runMain(effect, { disablePrettyLogger: true, … }) to runMain(effect, { … }), which has no such logger
    runMain: ({ call, edits, rename, target }) => {
      rename(target)
      const properties = call?.arguments[1]?.properties ?? []
      const index = properties.findIndex(({ name }) => name.getText() === "disablePrettyLogger")
      if (index >= 0) edits.replace(properties[index].getStart(), properties[index + 1].getStart(), "")
    }
  },
  "@effect/platform-node/NodeStream": {
    // fromReadable(evaluate, onError, { … }) to fromReadable({ evaluate, onError, … })
    fromReadable: ({ call, edits, rename, target }) => {
      rename(target)
      const [evaluate, onError, options] = call.arguments
      edits.insert(evaluate.getStart(), "{ evaluate: ")
      edits.insert(onError.getStart(), "onError: ")
      edits.replace(options.getStart(), options.getStart() + 1, "")
    }
  },
  "effect/Cause": {
    failureOption: "findErrorOption",
    // Cause.pretty(cause, options) to Cause.pretty(cause): there are no options
    pretty: ({ call, drop, edits, rename, target }) => {
      rename(target)
      const [cause, options] = call?.arguments ?? []
      if (options === undefined) return
      edits.replace(cause.end, options.end, "")
      drop([options])
    },
    isInterruptedOnly: "hasInterruptsOnly"
  },
  // Chunks of a Stream are arrays.
  "effect/Chunk": {
    Chunk: "effect/Array#NonEmptyReadonlyArray",
    join: "effect/Array#join",
    map: "effect/Array#map",
    of: "effect/Array#of",
    // Effect.map(array, Chunk.unsafeFromArray) to array
    unsafeFromArray: ({ access, edits }) => {
      const map = access.parent
      const [array] = map.arguments
      edits.replace(map.getStart(), array.getStart(), "")
      edits.replace(array.end, map.end, "")
    }
  },
  "effect/Config": {
    integer: "Int",
    string: "String",
    Config: withoutNamespace
  },
  "effect/ConfigProvider": { fromJson: "fromUnknown" },
  "effect/ConfigError": { ConfigError: "effect/Config#ConfigError" },
  "effect/Context": {
    // Context.Reference<Self>()("id", …) to Context.Reference("id", …)
    Reference: ({ access, call, edits, rename, target }) => {
      rename(target)
      if (call !== undefined) edits.replace(access.end, call.end, "")
    },
    // Context.Tag("id")<Self, Shape>() to Context.Service<Self, Shape>()("id")
    Tag: ({ call, edits, rename, source, target }) => {
      if (call === undefined) return rename(target, "Key")
      rename(target, "Service")
      const outer = call.parent
      const id = call.arguments[0].getText()
      const types = source.slice(outer.typeArguments.pos - 1, outer.typeArguments.end + 1)
      edits.replace(call.expression.end, outer.end, `${types}()(${id})`)
    }
  },
  "effect/Deferred": {
    unsafeDone: "doneUnsafe",
    unsafeMake: withoutArguments("effect/Deferred", "makeUnsafe")
  },
  "effect/Duration": { DurationInput: "Input", decodeUnknown: "fromInput" },
  "effect/Effect": {
    Effect: withoutNamespace,
    EffectGenerator: "EffectIterator",
    clock: ({ rename, target }) => rename(target, "clockWith(Effect.succeed)"),
    // Effect.gen(this, f) to Effect.gen({ self: this }, f)
    gen: ({ call, edits, rename, target }) => {
      rename(target)
      if (call?.arguments.length === 2) {
        edits.insert(call.arguments[0].getStart(), "{ self: ")
        edits.insert(call.arguments[0].end, " }")
      }
    },
    ignoreLogged: ({ call, edits, rename, target }) => {
      rename(target, "ignore")
      edits.insert(call.arguments.end, ", { log: true }")
    },
    withFiberRuntime: "withFiber",
    async: "callback",
    catchAll: "catch",
    catchAllCause: "catchCause",
    dieMessage: ({ call, edits, rename, target }) => {
      rename(target, "die")
      edits.insert(call.arguments.pos, "new Error(")
      edits.insert(call.arguments.end, ")")
    },
    either: "result",
    fork: "forkChild",
    forkDaemon: "forkDetach",
    intoDeferred: "effect/Deferred#into",
    makeLatch: "effect/Latch#make",
    makeSemaphore: "effect/Semaphore#make",
    // Effect.locally(effect, ref, value) to Effect.provideService(effect, ref, value)
    locally: "provideService",
    mapInputContext: "updateContext",
    random: "effect/Random#Random",
    // Effect.repeatN(n) to Effect.repeat({ times: n })
    repeatN: ({ call, edits, rename, target }) => {
      rename(target, "repeat")
      edits.insert(call.arguments.at(-1).getStart(), "{ times: ")
      edits.insert(call.arguments.at(-1).end, " }")
    },
    runtime: "context",
    unsafeMakeLatch: "effect/Latch#makeUnsafe",
    unsafeMakeSemaphore: "effect/Semaphore#makeUnsafe",
    withClock: asService("effect/Clock", "Clock"),
    withConfigProvider: asService("effect/ConfigProvider", "ConfigProvider"),
    // Effect.withRandom(Random.make(seed)) to Random.withSeed(seed)
    withRandom: ({ call, drop, edits, rename }) => {
      rename("effect/Random", "withSeed")
      const make = call.arguments.at(-1)
      drop([make])
      edits.replace(make.getStart(), make.end, make.arguments[0].getText())
    },
    withScheduler: asService("effect/Scheduler", "Scheduler"),
    yieldNow: withoutCall,
    zipLeft: "tap",
    zipRight: "andThen"
  },
  // A class that is an Effect says so by `asEffect` instead of `commit`.
  "effect/Effectable": {
    Class: ({ access, edits, rename, target }) => {
      rename(target)
      const { members } = access.parent.parent.parent
      const { name } = members.find((member) => member.name?.getText() === "commit")
      edits.replace(name.getStart(), name.end, "asEffect")
    }
  },
  "effect/Either": {
    Either: "Result",
    left: "fail",
    right: "succeed",
    isLeft: "isFailure",
    isRight: "isSuccess",
    mapLeft: "mapError"
  },
  "effect/ExecutionStrategy": {
    sequential: ({ access, edits }) => edits.replace(access.getStart(), access.end, '"sequential"')
  },
  "effect/Exit": { isInterrupted: "hasInterrupts", causeOption: "getCause" },
  "effect/Fiber": { RuntimeFiber: "Fiber" },
  "effect/FiberRef": {
    get: "effect/Effect#service",
    // FiberRef.unsafeMake(value) to Context.Reference("value", { defaultValue: () => value })
    unsafeMake: ({ call, edits, rename }) => {
      rename("effect/Context", "Reference")
      edits.insert(call.arguments[0].getStart(), `"${call.parent.name.getText()}", { defaultValue: () => `)
      edits.insert(call.arguments[0].end, " }")
    }
  },
  "effect/Layer": {
    scoped: "effect",
    scopedContext: "effectContext",
    scopedDiscard: "effectDiscard",
    unwrapEffect: "unwrap",
    unwrapScoped: "unwrap"
  },
  "effect/Logger": {
    logfmtLogger: "formatLogFmt",
    minimumLogLevel: asService("effect/References", "MinimumLogLevel", "effect/Layer#succeed"),
    // Logger.replace(Logger.defaultLogger, logger) to Logger.layer([logger])
    replace: ({ call, drop, edits, rename, target }) => {
      rename(target, "layer")
      const [replaced, logger] = call.arguments
      drop([replaced])
      edits.replace(replaced.getStart(), logger.getStart(), "[")
      edits.insert(logger.end, "]")
    },
    withMinimumLogLevel: asService("effect/References", "MinimumLogLevel")
  },
  "effect/LogLevel": Object.fromEntries(
    ["All", "Fatal", "Error", "Warning", "Info", "Debug", "Trace", "None"].map((name) => [
      name,
      asText(name === "Warning" ? "Warn" : name)
    ])
  ),
  "effect/Queue": { takeAll: "clear", unsafeOffer: "offerUnsafe" },
  "effect/Runtime": {
    runFork: "effect/Effect#runForkWith",
    Runtime: "effect/Context#Context",
    runPromise: "effect/Effect#runPromiseWith",
    runSync: "effect/Effect#runSyncWith"
  },
  "effect/Schema": {
    Literal: ({ call, ...place }) =>
      call !== undefined && call.arguments.length > 1
        ? argumentsAsArray("Literals")({ call, ...place })
        : place.rename(place.target),
    Defect: ({ access, edits, rename, target }) => {
      rename(target)
      edits.insert(access.end, "()")
    },
    filter: asCheck("makeFilter"),
    pattern: asCheck("isPattern"),
    NonNegativeInt: "Natural",
    parseJson: "fromJsonString",
    Uint8ArrayFromSelf: "Uint8Array",
    Union: argumentsAsArray("Union"),
    decodeUnknownEither: "decodeUnknownResult",
    decode: "decodeEffect",
    encode: "encodeEffect"
  },
  "effect/Scope": { CloseableScope: "Closeable", extend: "provide" },
  "effect/Stream": {
    // Stream.runFold(stream, initial, f) to Stream.runFold(stream, () => initial, f)
    runFold: ({ call, edits, rename, target }) => {
      rename(target)
      const initial = call.arguments.at(-2)
      const isObject = ts.isObjectLiteralExpression(initial)
      edits.insert(initial.getStart(), isObject ? "() => (" : "() => ")
      if (isObject) edits.insert(initial.end, ")")
    },
    mapChunks: "mapArray",
    mapChunksEffect: "mapArrayEffect",
    provideLayer: "provide",
    runForEachChunk: "runForEachArray",
    unwrapScoped: "unwrap"
  }
}

/** Members of Effect's values, such as a latch or `it` of @effect/vitest. */
export const instanceMembers = {
  scoped: "effect",
  scopedLive: "live",
  unsafeClose: "closeUnsafe",
  // Of a Result
  left: "failure",
  right: "success",
  unsafeCurrentTimeMillis: "currentTimeMillisUnsafe",
  unsafeCurrentTimeNanos: "currentTimeNanosUnsafe",
  unsafeOpen: "openUnsafe",
  unsafeRead: "readUnsafe"
}
