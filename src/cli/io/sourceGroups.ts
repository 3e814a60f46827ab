import * as Data from "effect/Data"
import * as Stream from "effect/Stream"
import { sourceFault } from "../sources/openSource.js"
import type { Entry, Source } from "../sources/source.js"

/** Reading a source failed. */
export class SourceBroken extends Data.TaggedError("SourceBroken")<{ readonly reason: string }> {}

/** The entries of a source behind a key, or all, in groups. */
export const sourceGroups = (
  source: Source,
  after: Uint8Array | undefined
): Stream.Stream<ReadonlyArray<Entry>, SourceBroken> =>
  Stream.suspend(() => Stream.fromAsyncIterable(source.read(after), sourceBroken))

/** The reason of an error that a source gave. */
export const sourceBroken = (error: unknown): SourceBroken =>
  new SourceBroken({ reason: `the source: ${sourceFault(error)}` })
