import type { Readable, Writable } from "node:stream"
import * as Context from "effect/Context"

/** Where a command reads, prints and complains: the process, unless it is given other streams. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly hasColors?: () => boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

export class StandardStreams extends Context.Reference<StandardStreams>()("lsmkv/StandardStreams", {
  // Whole, because a stream of the process is only made when it is asked for.
  defaultValue: (): Streams => process
}) {}
