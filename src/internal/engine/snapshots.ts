import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { ReadError } from "../../LsmError.js"
import type {
  Bytes,
  CollectOptions,
  CursorOptions,
  Range,
  ReadView,
  ScanOptions,
  Snapshot,
  UnsafeSnapshot
} from "../../Store.js"
import { currentFiberId } from "../effect/fiberState.js"
import type { Engine } from "./engine.js"
import type { Origin } from "./heldSnapshots.js"
import type { Reads } from "./reads.js"
import type { Scans } from "./scans.js"

/** Snapshots that users take. */
export class Snapshots {
  constructor(
    private readonly engine: Engine,
    private readonly reads: Reads,
    private readonly scans: Scans
  ) {}

  readonly snapshot: Effect.Effect<ReadView, ReadError, Scope.Scope> = Effect.suspend(() =>
    Effect.acquireRelease(
      Effect.flatMap(currentSpan, (span) => this.engine.read(() => this.view(originOf(span)))),
      (view) => Effect.sync(() => this.engine.releaseSnapshot(view))
    )
  )

  readonly unsafeSnapshot = (): UnsafeSnapshot => {
    const { engine } = this
    const refusal = engine.readRefusal()
    if (refusal !== undefined) throw refusal
    const snapshot = engine.takeSnapshot(originOf(undefined))
    const release = () => engine.releaseSnapshot(snapshot)
    const forget = engine.closeWithStore(release)
    const close = () => {
      forget()
      release()
    }
    return Object.assign(snapshot, { close })
  }

  private view(origin: Origin): ReadView {
    const { reads, scans, engine } = this
    const snapshot: Snapshot = engine.takeSnapshot(origin)
    const at = { snapshot }
    const methods: Omit<ReadView, "sequence"> = {
      get: (key: Bytes) => reads.get(key, at),
      getString: (key: Bytes) => reads.getString(key, at),
      getWith: <A>(key: Bytes, use: (value: Uint8Array) => A) => reads.getWith(key, use, at),
      getEntry: (key: Bytes) => reads.getEntry(key, at),
      getMany: (keys: Iterable<Bytes>) => reads.getMany(keys, at),
      has: (key: Bytes) => reads.has(key, at),
      scan: (options?: ScanOptions) => scans.scan({ ...options, snapshot }),
      entries: (options?: ScanOptions) => scans.scan({ ...options, snapshot }),
      keys: (options?: ScanOptions) => scans.keys({ ...options, snapshot }),
      values: (options?: ScanOptions) => scans.values({ ...options, snapshot }),
      collect: (options?: CollectOptions) => scans.collect({ ...options, snapshot }),
      count: (range?: Range) => scans.count({ ...range, snapshot }),
      cursor: (options?: CursorOptions) => scans.cursor({ ...options, snapshot })
    }
    return Object.assign(snapshot, methods)
  }
}

const currentSpan: Effect.Effect<string | undefined> = Effect.map(Effect.option(Effect.currentSpan), (span) =>
  Option.isSome(span) ? span.value.name : undefined
)

/** A frame of this library's own files, or of Effect's. */
const ownFrame = /[\\/](effect|effect-lsm)[\\/](src|dist)[\\/]|[\\/](src|dist)[\\/]internal[\\/]engine[\\/]/

const originOf = (span: string | undefined): Origin => {
  const fiber = currentFiberId()
  const at = process.env["NODE_ENV"] === "production" ? undefined : callerFrame()
  return {
    ...(fiber === undefined ? {} : { fiber: `#${fiber}` }),
    ...(span === undefined ? {} : { span }),
    ...(at === undefined ? {} : { at })
  }
}

/** The line that called the library, if the stack shows one. */
const callerFrame = (): string | undefined => {
  const lines = new Error().stack?.split("\n").slice(1) ?? []
  return lines
    .map((line) => line.trim())
    .find((line) => !ownFrame.test(line) && !line.includes("node:"))
    ?.replace(/^at /, "")
}
