// Members of the modules of `effect`.
import ts from "typescript"
import {
  argumentsAsArray,
  asCheck,
  asService,
  asText,
  withoutArguments,
  withoutCall,
  withoutNamespace
} from "./edits.mjs"

export const members = {
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
  "effect/ConfigError": { ConfigError: "effect/Config#ConfigError" },
  "effect/ConfigProvider": { fromJson: "fromUnknown" },
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
  "effect/DateTime": { unsafeMake: "makeUnsafe" },
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
    isRight: "isSuccess"
  },
  "effect/ExecutionStrategy": {
    sequential: ({ access, edits }) => edits.replace(access.getStart(), access.end, '"sequential"')
  },
  "effect/Exit": { isInterrupted: "hasInterrupts" },
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
  "effect/LogLevel": { Error: asText("Error"), Debug: asText("Debug"), None: asText("None") },
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
  "effect/Option": { fromNullable: "fromNullishOr" },
  "effect/Queue": { takeAll: "clear", unsafeOffer: "offerUnsafe" },
  "effect/Runtime": {
    runFork: "effect/Effect#runForkWith",
    runSync: "effect/Effect#runSyncWith"
  },
  "effect/Schema": {
    Literal: ({ call, ...place }) =>
      call !== undefined && call.arguments.length > 1
        ? argumentsAsArray("Literals")({ call, ...place })
        : place.rename(place.target),
    BigInt: "BigIntFromString",
    BigIntFromSelf: "BigInt",
    DateFromSelf: "Date",
    // Schema.Record({ key, value }) to Schema.Record(key, value)
    Record: ({ call, edits, rename, target }) => {
      rename(target)
      const [object] = call.arguments
      const [key, value] = object.properties.map(({ initializer }) => initializer)
      edits.replace(object.getStart(), key.getStart(), "")
      edits.replace(value.end, object.end, "")
      edits.replace(key.end, value.getStart(), ", ")
    },
    Tuple: argumentsAsArray("Tuple"),
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
    encode: "encodeEffect",
    equivalence: "toEquivalence"
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
