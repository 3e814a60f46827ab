import { fromBytes, toBytes } from "./twoNumbers.js"

/** Times are in milliseconds. */
export interface Consumption {
  readonly tokens: number
  /** How long it takes until one more token may be taken. */
  readonly refillMillis: number
  readonly now: number
}

/** What a transition of a limit returns. */
export interface Step<Result> {
  readonly result: Result
  /** What to store. Undefined if nothing changes. */
  readonly stored: Uint8Array | undefined
  /** From this time on, a limit of which nothing is stored would return the same. */
  readonly idleAt: number
}

/**
 * A counter of a fixed window: how many tokens were taken, and when the window ends. Each token makes it
 * longer by the refill time. Tokens over the limit are counted in the result alone.
 */
export const fixedWindow = (
  stored: Uint8Array | undefined,
  { limit, now, refillMillis, tokens }: Consumption & { readonly limit: number | undefined }
): Step<readonly [count: number, ttl: number]> => {
  const [storedCount, storedEnd] = stored === undefined ? [0, now] : fromBytes(stored)
  const isOver = storedEnd <= now
  const count = (isOver ? 0 : storedCount) + tokens
  const end = isOver ? now : storedEnd
  if (limit !== undefined && count > limit) return { result: [count, end - now], stored: undefined, idleAt: end }
  const idleAt = end + refillMillis * tokens
  return { result: [count, idleAt - now], stored: toBytes(count, idleAt), idleAt }
}
