import type { Readable, Writable } from "node:stream"
import * as Context from "effect/Context"

/** The standard streams of a command: those of the process, unless others are provided. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly hasColors?: () => boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

export class StandardStreams extends Context.Reference<StandardStreams>()("lsmkv/StandardStreams", {
  // The process itself, because Node creates each of its streams on first use.
  defaultValue: (): Streams => process
}) {}
