import { ForeignValue } from "../foreignValue.js"
import { fromJson, toJson } from "../jsonValue.js"
import type { Step } from "./fixedWindow.js"

/**
 * What is known of a limit that a server sets. Times are in milliseconds.
 *
 * - `cooldown`: the server has refused a request. None is sent until `until`.
 * - `learning`: requests are sent and counted, until the server refuses one.
 * - `learned`: `limit` tokens are let through in each `window`. `until` is where the window ends that the
 *   `observed` tokens have made longer.
 */
export type AdaptiveState = {
  /** Grows with each phase that learns anew. What a request of an earlier one was told does not count. */
  readonly epoch: number
  /** Nothing is known any more from this time on. */
  readonly expiresAt: number
} & (
  | { readonly phase: "cooldown"; readonly until: number }
  | { readonly phase: "learning"; readonly startedAt: number; readonly observed: number }
  | {
      readonly phase: "learned"
      readonly until: number
      readonly observed: number
      readonly limit: number
      readonly window: number
    }
)

/** What a request is told: how long to wait, and what to report back with. */
export interface AdaptiveAdvice {
  readonly delay: number
  readonly epoch: number
  readonly phase: AdaptiveState["phase"] | "inactive"
}

/** A state is kept so long after its time is over, for the reports that are on their way. */
const grace = 60_000
/** The longest wait and the longest window that a server may set. */
const longest = 60 * 60 * 1000

const clamp = (millis: number): number => (millis > 0 ? Math.min(millis, longest) : 1)

const read = (stored: Uint8Array | undefined, now: number): AdaptiveState | undefined => {
  if (stored === undefined) return undefined
  const state = fromJson(stored)
  if (typeof state !== "object" || state === null || !("phase" in state)) throw new ForeignValue("no adaptive limit")
  const known = state as AdaptiveState
  return known.expiresAt <= now ? undefined : known
}

const stepTo = <A>(result: A, state: AdaptiveState): Step<A> => ({
  result,
  stored: toJson(state),
  idleAt: state.expiresAt
})

const unchanged = <A>(result: A, now: number): Step<A> => ({ result, stored: undefined, idleAt: now })

/** A request with so many tokens is about to be sent. */
export const adaptiveConsume = (
  stored: Uint8Array | undefined,
  now: number,
  { fallbackWindow, tokens }: { readonly tokens: number; readonly fallbackWindow: number }
): Step<AdaptiveAdvice> => {
  const state = read(stored, now)
  if (state === undefined) return unchanged({ delay: 0, epoch: 0, phase: "inactive" }, now)
  const { epoch } = state
  switch (state.phase) {
    case "cooldown": {
      if (state.until > now) return unchanged({ delay: state.until - now, epoch, phase: "cooldown" }, now)
      const expiresAt = now + fallbackWindow + grace
      const learning = { phase: "learning", epoch: epoch + 1, startedAt: now, observed: tokens, expiresAt } as const
      return stepTo({ delay: 0, epoch: learning.epoch, phase: "learning" }, learning)
    }
    case "learning":
      return stepTo({ delay: 0, epoch, phase: "learning" }, { ...state, observed: state.observed + tokens })
    case "learned": {
      const isOver = state.until <= now
      const observed = (isOver ? 0 : state.observed) + tokens
      const perToken = state.window / state.limit
      const until = (isOver ? now : state.until) + perToken * tokens
      const elapsed = observed * perToken - (until - now)
      const delay = Math.max(0, Math.floor((observed - 1) / state.limit) * state.window - elapsed)
      return stepTo({ delay, epoch, phase: "learned" }, { ...state, observed, until })
    }
  }
}

/** The server has refused a request with so many tokens, which was told `epoch`. */
export const adaptiveFeedback = (
  stored: Uint8Array | undefined,
  now: number,
  feedback: { readonly epoch: number; readonly tokens: number; readonly retryAfter: number }
): Step<void> => {
  const state = read(stored, now)
  const retryAfter = clamp(feedback.retryAfter)
  const coolDown = (epoch: number, until: number) =>
    stepTo(undefined, { phase: "cooldown", epoch, until, expiresAt: until + grace })
  if (feedback.epoch !== (state?.epoch ?? 0)) return unchanged(undefined, now)
  if (state === undefined) return coolDown(0, now + retryAfter)
  if (state.phase === "cooldown") return coolDown(state.epoch, Math.max(state.until, now + retryAfter))
  if (state.phase === "learned") return coolDown(state.epoch, now + retryAfter)
  const accepted = state.observed - feedback.tokens
  if (accepted <= 0) return coolDown(state.epoch, now + retryAfter)
  const window = clamp(now - state.startedAt + retryAfter)
  return stepTo(undefined, {
    phase: "learned",
    epoch: state.epoch + 1,
    until: state.startedAt + window,
    observed: accepted,
    limit: accepted,
    window,
    expiresAt: now + window + grace
  })
}
