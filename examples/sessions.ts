// Shows a service over the store, with sessions that expire. Its tests, in sessions.test.ts, run on a store in memory and a TestClock.
// Run: npx vitest run examples
import { Clock, Context, Duration, Effect, Layer, Option, Schema, Stream } from "effect"
import { type LsmError, LsmStore, WriteBatch } from "effect-lsm"

const Session = Schema.parseJson(Schema.Struct({ user: Schema.String, expiresAt: Schema.Number }))
const encode = Schema.encodeSync(Session)
const decode = Schema.decodeUnknownSync(Session)
const decoder = new TextDecoder()

export interface SessionsService {
  /** Begins a session; one with the same token begins again. */
  readonly begin: (token: string, user: string) => Effect.Effect<void, LsmError.WriteError>
  /** The user of a session that has not expired. */
  readonly find: (token: string) => Effect.Effect<Option.Option<string>, LsmError.ReadError>
  /** Removes all expired sessions, and returns how many there were. */
  readonly sweep: Effect.Effect<number, LsmError.LsmError>
}

/** Time comes from Effect's Clock and data from the store's Tag, so that a test decides about both. */
export class Sessions extends Context.Tag("Sessions")<Sessions, SessionsService>() {
  static readonly layer = (lifetime: Duration.DurationInput): Layer.Layer<Sessions, never, LsmStore.LsmStore> =>
    Layer.effect(
      Sessions,
      Effect.gen(function* () {
        const store = yield* LsmStore.LsmStore
        const prefix = "session:"
        // A session that begins again during a sweep must not be removed by it.
        const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)

        const begin: SessionsService["begin"] = (token, user) =>
          Effect.gen(function* () {
            const expiresAt = (yield* Clock.currentTimeMillis) + Duration.toMillis(lifetime)
            yield* store.put(prefix + token, encode({ user, expiresAt }))
          }).pipe(oneAtATime)

        const find: SessionsService["find"] = (token) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            const session = Option.map(yield* store.getString(prefix + token), (text) => decode(text))
            return Option.map(
              Option.filter(session, ({ expiresAt }) => now < expiresAt),
              ({ user }) => user
            )
          })

        const sweep = Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const removals = yield* store.scan({ prefix }).pipe(
            Stream.filter(({ value }) => decode(decoder.decode(value)).expiresAt <= now),
            Stream.runFold(WriteBatch.make(), (batch, { key }) => batch.delete(key))
          )
          yield* store.write(removals)
          return removals.size
        }).pipe(oneAtATime)

        return { begin, find, sweep }
      })
    )
}
