import * as Data from "effect/Data"

/** The thread has died, or could not be started. `cause` is what it, or the platform, reported. */
export class ThreadDied extends Data.TaggedError("ThreadDied")<{ readonly cause: unknown }> {}
