import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as EventJournal from "effect/eventlog/EventJournal"
import type { StoreId } from "effect/eventlog/EventLogMessage"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { LsmStore } from "effect-lsm"
import * as LsmEventJournal from "effect-lsm/EventJournal"
import * as FastCheck from "fast-check"
import { backends } from "../support/adapters/backends.js"
import { layerMemory, open } from "../support/adapters/eventJournal.js"
import { entryAt, makeRemoteId, type Remote } from "../support/adapters/journalForm.js"
import { captureLogs } from "../support/captureLogs.js"
import { checkAsync } from "../support/property.js"

const early = 1_000_000
const bytes = (text: string) => new TextEncoder().encode(text)
const noted = (text: string) => ({ event: "Noted", primaryKey: "a", payload: bytes(text) })

for (const [name, layer] of backends(layerMemory, LsmEventJournal.layer())) {
  describe(`what Effect 4 adds to EventJournal, on ${name}`, () => {
    const test = (title: string, body: Effect.Effect<void, unknown, EventJournal.EventJournal | Scope.Scope>) =>
      it.effect(title, () => Effect.provide(body, layer))

    test(
      "writes several entries together, or none",
      Effect.gen(function* () {
        const { changes, journal, texts } = yield* open
        const changed = yield* changes
        const entries = [noted("1"), noted("2"), noted("3")] as const
        const ids = yield* journal.writeMany({
          entries,
          effect: (made) => Effect.succeed(made.map(({ idString }) => idString))
        })
        expect([...ids].sort()).toEqual(ids)
        expect(yield* Effect.flip(journal.writeMany({ entries, effect: () => Effect.fail("refused") }))).toBe("refused")
        expect(yield* texts).toEqual(["1", "2", "3"])
        expect(yield* changed).toEqual(["1", "2", "3"])
      })
    )

    test(
      "finds entries by their ids",
      Effect.gen(function* () {
        const { journal, note } = yield* open
        const [one, two] = [yield* note("1"), yield* note("2")]
        const found = yield* journal.entriesById([two.id, entryAt(early, "Noted", "a").id, one.id])
        expect(found.map((entry) => entry?.idString)).toEqual([two.idString, undefined, one.idString])
        expect(yield* journal.entriesById([])).toEqual([])
      })
    )

    test(
      "returns what came again",
      Effect.gen(function* () {
        const { receiveBy } = yield* open
        const remote = makeRemoteId()
        const entry = entryAt(early, "Noted", "a", "1")
        expect(yield* receiveBy(remote, [[0, entry]])).toEqual({ seen: [["1", []]], duplicates: [] })
        expect(yield* receiveBy(remote, [[0, entry]])).toEqual({ seen: [], duplicates: ["1"] })
      })
    )

    test(
      "goes on to the first number without an acknowledgement",
      Effect.gen(function* () {
        const { journal, next } = yield* open
        const remoteId = makeRemoteId()
        const { id: entryId } = entryAt(early, "Noted", "a")
        const acks = (...sequences: ReadonlyArray<number>) => sequences.map((sequence) => ({ entryId, sequence }))
        yield* journal.writeRemoteAcks({ remoteId, acks: acks(1, 2, 4) })
        expect(yield* next(remoteId)).toBe(0)
        yield* journal.writeRemoteAcks({ remoteId, acks: acks(1, 0, 3) })
        expect(yield* next(remoteId)).toBe(2)
        yield* journal.writeRemoteAcks({ remoteId, acks: acks(10), firstSequence: 10 })
        expect(yield* next(remoteId)).toBe(11)
        yield* journal.writeRemoteAcks({ remoteId, acks: acks(0) })
        expect(yield* next(remoteId)).toBe(11)
      })
    )

    test(
      "lets one at a time in for each id of a store",
      Effect.gen(function* () {
        const { journal } = yield* open
        const [a, b] = ["a" as StoreId, "b" as StoreId]
        const gate = yield* Deferred.make<void>()
        const log: Array<string> = []
        const first = yield* Effect.forkChild(journal.withLock(a)(Deferred.await(gate)), { startImmediately: true })
        const second = yield* Effect.forkChild(journal.withLock(a)(Effect.sync(() => void log.push("second"))), {
          startImmediately: true
        })
        yield* journal.withLock(b)(Effect.sync(() => void log.push("other")))
        expect(log).toEqual(["other"])
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(first)
        yield* Fiber.join(second)
        expect(log).toEqual(["other", "second"])
      })
    )

    test(
      "warns of an entry whose time is far ahead, once",
      Effect.gen(function* () {
        const logs = captureLogs()
        yield* Effect.gen(function* () {
          const { receive } = yield* open
          const remote = makeRemoteId()
          const far = Date.now() + 400 * 24 * 3_600_000
          yield* receive(remote, [[0, entryAt(far, "Noted", "a", "far")]])
          yield* receive(remote, [[1, entryAt(early, "Noted", "a", "near")]])
        }).pipe(Effect.provide(logs.layer))
        expect(logs.with("Imported an entry id")).toHaveLength(1)
      })
    )
  })
}

it.effect("imports are those of the memory layer: order, conflicts, repetitions and compaction", () =>
  Effect.promise(() =>
    checkAsync(
      FastCheck.asyncProperty(
        FastCheck.array(
          FastCheck.record({
            picks: FastCheck.array(FastCheck.nat({ max: 19 }), { maxLength: 8 }),
            isCompacted: FastCheck.boolean()
          }),
          { maxLength: 6 }
        ),
        async (imports) => {
          const remote = makeRemoteId()
          const log = Array.from({ length: 20 }, (_, i) => entryAt(early + (i % 7), "Noted", `key ${i % 3}`, `${i}`))
          const run = Effect.gen(function* () {
            const { receiveBy, receiveCompacted, texts } = yield* open
            const results: Array<unknown> = []
            for (const { isCompacted, picks } of imports) {
              const sent = picks.map((pick): Remote => [pick, log[pick]!])
              results.push(yield* isCompacted ? receiveCompacted(remote, sent) : receiveBy(remote, sent))
              results.push(yield* texts)
            }
            return results
          })
          const ours = Effect.provide(run, LsmEventJournal.layer()).pipe(Effect.provide(LsmStore.layerMemory()))
          expect(await Effect.runPromise(ours)).toEqual(await Effect.runPromise(Effect.provide(run, layerMemory)))
        }
      ),
      20
    )
  )
)
