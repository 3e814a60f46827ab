import * as Effect from "effect/Effect"
import type { Store } from "effect-lsm"

export const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
export const bytesOf = (hex: string | undefined): Uint8Array | undefined => (hex === undefined ? undefined : bytes(hex))
export const hexOf = (given: Uint8Array): string =>
  Buffer.from(given.buffer, given.byteOffset, given.length).toString("hex")
export const textOf = (given: Uint8Array): string =>
  Buffer.from(given.buffer, given.byteOffset, given.length).toString("utf8")

export interface HexRange {
  readonly start?: string | undefined
  readonly end?: string | undefined
  readonly prefix?: string | undefined
}

export const rangeOf = ({ end, prefix, start }: HexRange): Store.Range => ({
  start: bytesOf(start),
  end: bytesOf(end),
  prefix: bytesOf(prefix)
})

/** Transfers a buffer, as a message to a thread does. Node may copy it instead, or refuse. */
export const transfer = (given: Uint8Array): void => {
  try {
    structuredClone(given, { transfer: [given.buffer as ArrayBuffer] })
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
}

export const show = (value: unknown): string => JSON.stringify(value)

/** Shortens long results for messages. */
const shorten = (text: string): string => (text.length > 2000 ? `${text.slice(0, 2000)}...` : text)

/** Ends the run with an error: the store and the model differ. */
export const mismatch = (what: string, found: string, due: ReadonlyArray<string>): Effect.Effect<never> =>
  Effect.die(new Error(`${what}: found ${shorten(found)}\nexpected ${due.map(shorten).join("\nor ")}`))
