import * as Data from "effect/Data"

/** A command failed. The message is printed on one line. Exit code 2. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}

/** `get` found no value. Exit code 1, without a message: scripts check the code, as with grep. */
export class KeyAbsent extends Data.TaggedError("KeyAbsent") {}

/** Damage was found, or data was lost. Standard output has the details. Exit code 3. */
export class DamageFound extends Data.TaggedError("DamageFound") {}

/** The reader of standard output has closed it, as `head` does. Exit code 0. */
export class OutputClosed extends Data.TaggedError("OutputClosed") {}
