import type { Consumption, Step } from "./fixedWindow.js"
import { fromBytes, toBytes } from "./twoNumbers.js"

/**
 * A bucket of tokens, which gets one in each refill time. Stored are the tokens, and when the refill time
 * that runs began. While the bucket is full, no refill time runs. The bucket has less than nothing only
 * if it may overflow.
 */
export const tokenBucket = (
  stored: Uint8Array | undefined,
  {
    allowOverflow,
    limit,
    now,
    refillMillis,
    tokens
  }: Consumption & { readonly limit: number; readonly allowOverflow: boolean }
): Step<readonly [remaining: number, elapsed: number]> => {
  let [available, since] = stored === undefined ? [limit, now] : fromBytes(stored)
  const refilled = Math.floor((now - since) / refillMillis)
  if (refilled > 0) {
    available = Math.min(limit, available + refilled)
    since += refilled * refillMillis
  }
  if (available >= limit) since = now
  const remaining = available - tokens
  const isTaken = allowOverflow || remaining >= 0
  const left = isTaken ? remaining : available
  return {
    result: [remaining, Math.max(0, now - since)],
    stored: isTaken ? toBytes(left, since) : undefined,
    idleAt: since + Math.ceil(limit - left) * refillMillis
  }
}
