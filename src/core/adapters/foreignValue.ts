/** A stored value that its adapter has not written: it is damaged, or an application put it there. */
export class ForeignValue extends Error {
  readonly _kind = "ForeignValue"
  constructor(readonly reason: string) {
    super(`a stored value is not one of this adapter: ${reason}`)
  }
}
