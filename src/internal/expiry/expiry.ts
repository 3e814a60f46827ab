import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { lastExpiry } from "../../core/cursor/expiry.js"
import { InvalidArgument } from "../../LsmError.js"

/**
 * When a value expires: then it is as if its key had been deleted.
 *
 * @since 3.1.0
 * @category models
 */
export interface Expiry {
  /** It expires so long after it is written, by the `Clock`. Default: it does not expire. */
  readonly ttl?: Duration.DurationInput | undefined
  /** It expires at this time, in milliseconds since 1970. */
  readonly expiresAt?: number | undefined
}

/** When a value expires: at a time, or some milliseconds after it is written. */
export type ResolvedExpiry = { readonly at: number } | { readonly after: number }

const invalid = (argument: string, reason: string): InvalidArgument => new InvalidArgument({ argument, reason })

/** Returns undefined if the value does not expire. */
export const resolveExpiry = ({ expiresAt, ttl }: Expiry): ResolvedExpiry | InvalidArgument | undefined => {
  if (expiresAt !== undefined) {
    if (ttl !== undefined) return invalid("ttl", "is given together with expiresAt")
    if (Number.isSafeInteger(expiresAt) && expiresAt >= 0 && expiresAt <= lastExpiry) return { at: expiresAt }
    return invalid("expiresAt", `must be whole milliseconds from 0 to ${lastExpiry}`)
  }
  if (ttl === undefined) return undefined
  const duration = Duration.decodeUnknown(ttl)
  if (Option.isNone(duration)) return invalid("ttl", "is not a duration")
  if (!Duration.isFinite(duration.value)) return undefined
  const after = Math.ceil(Duration.toMillis(duration.value))
  return after > 0 ? { after } : invalid("ttl", "must be longer than nothing")
}

/** The time at which a value expires that is written at `now`. */
export const expiryAt = (expiry: ResolvedExpiry, now: number): number =>
  "at" in expiry ? expiry.at : Math.min(now + expiry.after, lastExpiry)
