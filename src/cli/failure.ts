import * as Data from "effect/Data"

/** A command could not do what it was asked: its message is what the person reads, on one line. Exit code 2. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}

/** `get` found nothing. Exit code 1, and not a word: a script asks by the code, as with grep. */
export class KeyAbsent extends Data.TaggedError("KeyAbsent") {}

/** Damage was found, or something was lost to it, and standard output says what. Exit code 3. */
export class DamageFound extends Data.TaggedError("DamageFound") {}

/** Whoever read standard output has gone, as `head` does when it has seen enough. Exit code 0. */
export class OutputClosed extends Data.TaggedError("OutputClosed") {}
