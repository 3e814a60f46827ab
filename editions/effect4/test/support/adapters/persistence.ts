import { isArrayNonEmpty } from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Persistable from "effect/persistence/Persistable"
import * as PersistedCache from "effect/persistence/PersistedCache"
import * as Persistence from "effect/persistence/Persistence"
import * as Schema from "effect/Schema"

export const memoryLayer = Persistence.layerBackingMemory
export const memoryResultLayer = Persistence.layerMemory

const ttlOf = (millis: number | undefined) => (millis === undefined ? undefined : Duration.millis(millis))

/** A store of this edition in one form, for tests that both editions share. Times to live are in milliseconds. */
export const open = Effect.fnUntraced(function* (storeId: string) {
  const store = yield* (yield* Persistence.BackingPersistence).make(storeId)
  return {
    ...store,
    getMany: (keys: ReadonlyArray<string>) => {
      const all = [...keys]
      return isArrayNonEmpty(all) ? Effect.map(store.getMany(all), (found) => [...found]) : Effect.succeed([])
    },
    set: (key: string, value: object, ttl?: number) => store.set(key, value, ttlOf(ttl)),
    setMany: (entries: ReadonlyArray<readonly [key: string, value: object, ttl?: number]>) => {
      const all = entries.map(([key, value, ttl]) => [key, value, ttlOf(ttl)] as const)
      return isArrayNonEmpty(all) ? store.setMany(all) : Effect.void
    }
  }
})

/** The error that caused it. */
export const causeOf = (error: Persistence.PersistenceError): unknown => error.cause

export class User extends Schema.Class<User>("User")({ id: Schema.Number, name: Schema.String }) {}

/** A request for a user, which fails for those below 0. */
export class UserRequest extends Persistable.Class<{ payload: { id: number } }>()("UserRequest", {
  primaryKey: ({ id }) => `user:${id}`,
  success: User,
  error: Schema.String
}) {}

export type UserExit = Exit.Exit<User, string>

/** The results of requests, kept for 5 seconds; failures for 1. */
export const openResults = Effect.fnUntraced(function* (storeId: string) {
  const persistence = yield* Persistence.Persistence
  return yield* persistence.make({ storeId, timeToLive: (exit) => (exit._tag === "Success" ? 5000 : 1000) })
})

/** A cache of users with these times to live, in milliseconds. */
export const openCache = (
  storeId: string,
  lookup: (request: UserRequest) => Effect.Effect<User, string>,
  { inMemoryTTL, timeToLive }: { readonly timeToLive: number; readonly inMemoryTTL: number }
) => PersistedCache.make(lookup, { storeId, timeToLive: () => timeToLive, inMemoryTTL: () => inMemoryTTL })
