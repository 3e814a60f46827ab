import { InvalidArgument } from "../../LsmError.js"

/** A text that has no bytes. */
export const loneSurrogate = (argument: string): InvalidArgument =>
  new InvalidArgument({ argument, reason: "has a lone surrogate, which has no UTF-8 encoding" })
