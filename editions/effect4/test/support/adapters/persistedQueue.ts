import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

export const memoryLayer = Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreMemory)

/** How many failures count for an element whose process ended while it was taken. */
export const failuresOfCrash = 1

/** Elements of the tests. What the Schema encodes is a string. */
export const Item = Schema.Struct({ n: Schema.BigInt })

/** What a taker knows of an element: how often it failed before is `failures`. */
export interface Metadata {
  readonly id: string
  readonly failures: number
}

/**
 * A queue of this edition in one form, for tests that both editions share. An element is tried again at
 * once, and at most `maxAttempts` times.
 */
export const open = Effect.fnUntraced(function* (
  name: string,
  { maxAttempts = 10 }: { readonly maxAttempts?: number } = {}
) {
  const queue = yield* PersistedQueue.make({ name, schema: Item, maxAttempts, retrySchedule: Schedule.spaced(0) })
  return {
    offer: (n: number, id?: string) => queue.offer({ n: BigInt(n) }, { id }),
    take: <A, E, R>(f: (n: number, metadata: Metadata) => Effect.Effect<A, E, R>) =>
      queue.take(({ n }, { attempts, id }) => f(Number(n), { id, failures: attempts - 1 }))
  }
})

/** Takes an element in a scope, without a Schema. */
export const takeRaw = Effect.fnUntraced(function* (name: string) {
  const store = yield* PersistedQueue.PersistedQueueStore
  return yield* store.take({ name, maxAttempts: 10, retryDelay: () => Effect.succeed(Duration.zero) })
})

/** Offers an element without a Schema. */
export const offerRaw = Effect.fnUntraced(function* (name: string, element: unknown, id = "raw") {
  const store = yield* PersistedQueue.PersistedQueueStore
  return yield* store.offer({ name, id, element, isCustomId: true })
})
