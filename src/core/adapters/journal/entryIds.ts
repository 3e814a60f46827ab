import { compare } from "../../bytes/bytes.js"

// Ids are UUIDs of version 7 (RFC 9562): 48 bits of milliseconds since 1970, 4 of the version, and 12
// that count within a millisecond; the others are random.

const latestMillis = 2 ** 48 - 1
const highestCount = 0xfff

/** The time in an id, in milliseconds since 1970. */
export const millisOf = (id: Uint8Array): number => {
  let millis = 0
  for (let i = 0; i < 6; i++) millis = millis * 256 + id[i]!
  return millis
}

/**
 * An id after `floor`: `id` itself if it is, or its random part behind the next count of `floor`, so that
 * the order of ids is that of writing also if the clock was set back. Throws `RangeError` when there is
 * none left.
 */
export const idAfter = (id: Uint8Array, floor: Uint8Array | undefined): Uint8Array => {
  if (floor === undefined || compare(id, floor) > 0) return id
  const count = ((floor[6]! & 0x0f) << 8) | floor[7]!
  const isFull = count === highestCount
  const millis = millisOf(floor) + (isFull ? 1 : 0)
  if (millis > latestMillis) throw new RangeError("the last id that a UUID of version 7 can be was given")
  const next = id.slice()
  for (let i = 5, rest = millis; i >= 0; i--, rest = Math.floor(rest / 256)) next[i] = rest % 256
  next[6] = 0x70 | (isFull ? 0 : (count + 1) >> 8)
  next[7] = isFull ? 0 : (count + 1) & 0xff
  return next
}

/** A text for each id, for maps. */
export const idText = (id: Uint8Array): string => String.fromCharCode(...id)
