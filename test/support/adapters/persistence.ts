import * as PersistedCache from "@effect/experimental/PersistedCache"
import * as Persistence from "@effect/experimental/Persistence"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Schema from "effect/Schema"

export const memoryLayer = Persistence.layerMemory
export const memoryResultLayer = Persistence.layerResultMemory

const ttlOf = (millis: number | undefined) => Option.map(Option.fromNullable(millis), Duration.millis)

/** A store of this edition in one form, for tests that both editions share. Times to live are in milliseconds. */
export const open = (storeId: string) =>
  Effect.gen(function* () {
    const store = yield* (yield* Persistence.BackingPersistence).make(storeId)
    return {
      get: (key: string) => Effect.map(store.get(key), Option.getOrUndefined),
      getMany: (keys: ReadonlyArray<string>) =>
        Effect.map(store.getMany([...keys]), (all) => all.map(Option.getOrUndefined)),
      set: (key: string, value: object, ttl?: number) => store.set(key, value, ttlOf(ttl)),
      setMany: (entries: ReadonlyArray<readonly [key: string, value: object, ttl?: number]>) =>
        store.setMany(entries.map(([key, value, ttl]) => [key, value, ttlOf(ttl)])),
      remove: store.remove,
      clear: store.clear
    }
  })

/** What kind of error it is, and the error that caused it. */
export const causeOf = (error: Persistence.PersistenceError): unknown =>
  error.reason === "BackingError" ? error.cause : undefined

export class User extends Schema.Class<User>("User")({ id: Schema.Number, name: Schema.String }) {}

/** A request for a user, which fails for those below 0. */
export class UserRequest extends Schema.TaggedRequest<UserRequest>()("UserRequest", {
  failure: Schema.String,
  success: User,
  payload: { id: Schema.Number }
}) {
  [PrimaryKey.symbol]() {
    return `user:${this.id}`
  }
}

export type UserExit = Exit.Exit<User, string>

/** The results of requests, kept for 5 seconds; failures for 1. */
export const openResults = (storeId: string) =>
  Effect.gen(function* () {
    const results = yield* (yield* Persistence.ResultPersistence).make({
      storeId,
      timeToLive: (_key, exit) => (exit._tag === "Success" ? 5000 : 1000)
    })
    return {
      get: (key: UserRequest) => Effect.map(results.get(key), Option.getOrUndefined),
      getMany: (keys: ReadonlyArray<UserRequest>) =>
        Effect.map(results.getMany(keys), (all) => all.map(Option.getOrUndefined)),
      set: (key: UserRequest, exit: UserExit) => results.set(key, exit),
      setMany: (entries: ReadonlyArray<readonly [UserRequest, UserExit]>) => results.setMany(entries),
      clear: results.clear
    }
  })

/** A cache of users with these times to live, in milliseconds. */
export const openCache = (
  storeId: string,
  lookup: (request: UserRequest) => Effect.Effect<User, string>,
  options: { readonly timeToLive: number; readonly inMemoryTTL: number }
) => PersistedCache.make({ storeId, lookup, timeToLive: () => options.timeToLive, inMemoryTTL: options.inMemoryTTL })
