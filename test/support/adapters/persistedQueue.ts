import * as PersistedQueue from "@effect/experimental/PersistedQueue"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

export const memoryLayer = Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreMemory)

/** How many failures count for an element whose process ended while it was taken. */
export const failuresOfCrash = 0

/** Elements of the tests. What the Schema encodes is a string. */
const Item = Schema.Struct({ n: Schema.BigInt })

/** What a taker knows of an element: how often it failed before is `failures`. */
export interface Metadata {
  readonly id: string
  readonly failures: number
}

/**
 * A queue of this edition in one form, for tests that both editions share. An element is tried again at
 * once, and at most `maxAttempts` times.
 */
export const open = (name: string, { maxAttempts = 10 }: { readonly maxAttempts?: number } = {}) =>
  Effect.map(PersistedQueue.make({ name, schema: Item }), (queue) => ({
    offer: (n: number, id?: string) => queue.offer({ n: BigInt(n) }, { id }),
    take: <A, E, R>(f: (n: number, metadata: Metadata) => Effect.Effect<A, E, R>) =>
      queue.take((value, { attempts, id }) => f(Number(value.n), { id, failures: attempts }), { maxAttempts })
  }))

/** Takes an element in a scope, without a Schema. */
export const takeRaw = (name: string) =>
  Effect.flatMap(PersistedQueue.PersistedQueueStore, (store) => store.take({ name, maxAttempts: 10 }))

/** Offers an element without a Schema. */
export const offerRaw = (name: string, element: unknown, id = "raw") =>
  Effect.flatMap(PersistedQueue.PersistedQueueStore, (store) => store.offer({ name, id, element, isCustomId: true }))
