/** A value that no key can hold, or, with `at`, a place in bytes that are not the encoding of a key. */
export class KeyFailure extends Error {
  readonly _kind = "KeyFailure"
  constructor(
    readonly reason: string,
    readonly at?: number
  ) {
    super(at === undefined ? reason : `byte ${at}: ${reason}`)
  }
}
