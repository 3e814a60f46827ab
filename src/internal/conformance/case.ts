import { deepStrictEqual } from "node:assert/strict"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Entry, OrderedStoreService } from "../../OrderedStore.js"

/** What a case is given. */
export interface Given {
  readonly store: OrderedStoreService
  /** Puts the prefix of the case before a key. The store may hold keys of others. */
  readonly at: (key: string) => string
  /** The range of the case's keys. */
  readonly own: { readonly prefix: string }
}

/** One thing that an engine must do. A failure or a defect says that it does not. */
export interface ConformanceCase {
  readonly name: string
  readonly run: (given: Given) => Effect.Effect<void, unknown, Scope.Scope>
}

/** Dies with a difference if two values are not equal. */
export const same = (actual: unknown, expected: unknown, what: string): Effect.Effect<void> =>
  Effect.sync(() => deepStrictEqual(actual, expected, differing(what, actual, expected)))

const differing = (what: string, actual: unknown, expected: unknown): string =>
  `${what}: ${show(actual)}, expected ${show(expected)}`

const show = (value: unknown): string => {
  const text = JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? textOf(part) : part)) ?? String(value)
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}

/** The error of an effect that must fail, by its tag. */
export const failsWith = <A, E, R>(tag: string, effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.matchEffect(effect, {
    onSuccess: () => Effect.die(new Error(`succeeded, but must fail with ${tag}`)),
    onFailure: (error) => {
      const found = (error as { readonly _tag?: string } | null)?._tag
      return found === tag
        ? Effect.succeed(error)
        : Effect.die(new Error(`failed with ${found}, but must fail with ${tag}`, { cause: error }))
    }
  })

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Keys without the prefix of the case, and values, as texts. */
export const rowsOf = (entries: Iterable<Entry>, { at }: Pick<Given, "at">): Array<string> =>
  Array.from(entries, ({ key, value }) => `${textOf(key).slice(at("").length)}=${textOf(value)}`)
