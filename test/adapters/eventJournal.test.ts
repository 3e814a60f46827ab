import type * as EventJournal from "@effect/experimental/EventJournal"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { LsmStore } from "effect-lsm"
import * as LsmEventJournal from "effect-lsm/EventJournal"
import { adapterRange } from "../../src/core/adapters/reservations.js"
import { backends } from "../support/adapters/backends.js"
import { layerMemory, memoryIsExact, open } from "../support/adapters/eventJournal.js"
import { causeOf, entryAt, makeRemoteId, type Remote } from "../support/adapters/journalForm.js"
import { disk, memory, type Place } from "../support/places.js"

const early = 1_000_000

const backendsOfJournal = backends(layerMemory, LsmEventJournal.layer())

for (const [name, layer] of backendsOfJournal) {
  /** The memory layer of Effect 3 does otherwise what these test. */
  const exact = memoryIsExact || name !== backendsOfJournal[0]![0]

  describe(`EventJournal on ${name}`, () => {
    const test = (
      title: string,
      body: Effect.Effect<void, unknown, EventJournal.EventJournal | Scope.Scope>,
      isTested = true
    ) => {
      if (isTested) it.scoped(title, () => Effect.provide(body, layer))
    }

    test(
      "commits an entry after its effect, then publishes it",
      Effect.gen(function* () {
        const journal = yield* open
        const changes = yield* journal.changes
        const result = yield* journal.write("Renamed", "a", "1", (entry) =>
          Effect.gen(function* () {
            expect(entry).toMatchObject({ event: "Renamed", primaryKey: "a", text: "1" })
            expect(yield* journal.entries).toEqual([])
            return entry.id
          })
        )
        expect(yield* journal.entries).toEqual([{ id: result, event: "Renamed", primaryKey: "a", text: "1" }])
        expect(yield* changes).toEqual(["1"])
      })
    )

    test(
      "keeps entries in the order in which they were written",
      Effect.gen(function* () {
        const journal = yield* open
        const changes = yield* journal.changes
        const texts = Array.from({ length: 50 }, (_, i) => String(i))
        for (const text of texts) yield* journal.note(text)
        expect(yield* journal.texts).toEqual(texts)
        expect(yield* changes).toEqual(texts)
        const ids = (yield* journal.entries).map(({ id }) => id)
        if (exact) expect([...ids].sort()).toEqual(ids)
      })
    )

    test(
      "commits and publishes nothing if the effect fails or dies",
      Effect.gen(function* () {
        const journal = yield* open
        const changes = yield* journal.changes
        expect(yield* Effect.flip(journal.write("Noted", "a", "1", () => Effect.fail("refused")))).toBe("refused")
        const exit = yield* Effect.exit(journal.write("Noted", "a", "1", () => Effect.die("broken")))
        expect(exit._tag).toBe("Failure")
        yield* journal.note("2")
        expect(yield* journal.texts).toEqual(["2"])
        expect(yield* changes).toEqual(["2"])
      })
    )

    test(
      "commits nothing if the effect is interrupted",
      Effect.gen(function* () {
        const journal = yield* open
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(
          journal.write("Noted", "a", "1", () => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never))
        )
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
        expect(yield* journal.texts).toEqual([])
      })
    )

    test(
      "has the entries of a remote among its own, by their times, and does not publish them",
      Effect.gen(function* () {
        const journal = yield* open
        const changes = yield* journal.changes
        yield* journal.note("own")
        const seen = yield* journal.receive(makeRemoteId(), [
          [0, entryAt(early, "Noted", "x", "first")],
          [1, entryAt(early + 1, "Noted", "y", "second")]
        ])
        expect(seen).toEqual([
          ["first", []],
          ["second", []]
        ])
        expect(yield* journal.texts).toEqual(["first", "second", "own"])
        expect(yield* changes).toEqual(["own"])
      })
    )

    test(
      "finds the later entries with the same event and primary key as conflicts",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        yield* journal.receive(remote, [
          [0, entryAt(early, "Noted", "a", "before")],
          [1, entryAt(early + 20, "Noted", "a", "after 1")],
          [2, entryAt(early + 30, "Noted", "b", "other key")],
          [3, entryAt(early + 40, "Other", "a", "other event")],
          [4, entryAt(early + 50, "Noted", "a", "after 2")]
        ])
        yield* journal.note("own", "a")
        expect(yield* journal.receive(remote, [[5, entryAt(early + 10, "Noted", "a", "late")]])).toEqual([
          ["late", ["after 1", "after 2", "own"]]
        ])
        expect(yield* journal.receive(remote, [[6, entryAt(early + 60, "Noted", "b", "newest")]])).toEqual([
          ["newest", []]
        ])
      }),
      exact
    )

    test(
      "shows the effect what was compacted, and keeps what was not",
      Effect.gen(function* () {
        const journal = yield* open
        const seen = yield* journal.receiveCompacted(makeRemoteId(), [
          [0, entryAt(early, "Noted", "a", "1")],
          [1, entryAt(early + 1, "Noted", "b", "2")],
          [2, entryAt(early + 2, "Noted", "a", "3")]
        ])
        expect(seen.map(([text]) => text).sort()).toEqual(["2", "3"])
        expect(yield* journal.texts).toEqual(["1", "2", "3"])
      })
    )

    test(
      "commits nothing of a remote if the effect fails, and takes it when it comes again",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        const entries: ReadonlyArray<Remote> = [[0, entryAt(early, "Noted", "a", "1")]]
        expect(causeOf(yield* Effect.flip(journal.receiveFailing(remote, entries)))).toBe("refused")
        expect(yield* journal.texts).toEqual([])
        expect(yield* journal.next(remote)).toBe(0)
        expect(yield* journal.receive(remote, entries)).toEqual([["1", []]])
        expect(yield* journal.texts).toEqual(["1"])
      })
    )

    test(
      "knows again what a remote has sent, and what came twice",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        const entry = entryAt(early, "Noted", "a", "1")
        expect(
          yield* journal.receive(remote, [
            [0, entry],
            [0, entry]
          ])
        ).toHaveLength(1)
        expect(
          yield* journal.receive(remote, [
            [0, entry],
            [1, entryAt(early, "Noted", "b", "2")]
          ])
        ).toEqual([["2", []]])
        expect(yield* journal.receive(makeRemoteId(), [[0, entry]])).toEqual([])
        expect(yield* journal.texts).toHaveLength(2)
      }),
      exact
    )

    test(
      "sees up to which number a remote has sent",
      Effect.gen(function* () {
        const journal = yield* open
        const [remote, other] = [makeRemoteId(), makeRemoteId()]
        expect(yield* journal.next(remote)).toBe(0)
        const own = yield* journal.note("own")
        yield* journal.receive(remote, [
          [3, entryAt(early, "Noted", "a", "1")],
          [7, entryAt(early + 1, "Noted", "a", "2")]
        ])
        expect(yield* journal.next(remote)).toBe(8)
        yield* journal.receive(remote, [[9, own]])
        expect(yield* journal.next(remote)).toBe(10)
        yield* journal.receive(remote, [[2, entryAt(early + 2, "Noted", "a", "3")]])
        expect(yield* journal.next(remote)).toBe(10)
        expect(yield* journal.next(other)).toBe(0)
      }),
      exact
    )

    test(
      "gives a remote once what was written here",
      Effect.gen(function* () {
        const journal = yield* open
        const [remote, other] = [makeRemoteId(), makeRemoteId()]
        expect(yield* journal.upload(remote)).toEqual([])
        yield* journal.note("1")
        yield* journal.note("2")
        expect(yield* journal.uploadFailing(remote)).toBe("refused")
        expect(yield* journal.upload(remote)).toEqual(["1", "2"])
        expect(yield* journal.upload(remote)).toEqual([])
        yield* journal.note("3")
        expect(yield* journal.upload(remote)).toEqual(["3"])
        expect(yield* journal.upload(other)).toEqual(["1", "2", "3"])
      })
    )

    test(
      "gives a remote what is written while it gets the rest",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        yield* journal.note("1")
        yield* Effect.zipRight(
          journal.journal.withRemoteUncommited(remote, () => journal.note("2")),
          Effect.void
        )
        expect(yield* journal.upload(remote)).toEqual(["2"])
      })
    )

    test(
      "gives a remote what others have sent, and not what it sent itself",
      Effect.gen(function* () {
        const journal = yield* open
        const [remote, other] = [makeRemoteId(), makeRemoteId()]
        yield* journal.note("own")
        expect(yield* journal.upload(other)).toEqual(["own"])
        // It is older than what the other one has.
        yield* journal.receive(remote, [[0, entryAt(early, "Noted", "a", "sent")]])
        expect(yield* journal.upload(remote)).toEqual(["own"])
        expect(yield* journal.upload(other)).toEqual(["sent"])
        expect(yield* journal.upload(other)).toEqual([])
      }),
      exact
    )

    test(
      "is empty after it was destroyed, and goes on",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        const entry = entryAt(early, "Noted", "a", "sent")
        yield* journal.note("1")
        yield* journal.receive(remote, [[4, entry]])
        yield* journal.upload(remote)
        yield* journal.destroy
        expect(yield* journal.texts).toEqual([])
        expect(yield* journal.next(remote)).toBe(0)
        yield* journal.note("2")
        expect(yield* journal.receive(remote, [[0, entry]])).toEqual([["sent", []]])
        expect(yield* journal.texts).toEqual(["sent", "2"])
        expect(yield* journal.upload(remote)).toEqual(["2"])
      }),
      exact
    )

    test(
      "takes writes of 64 fibers",
      Effect.gen(function* () {
        const journal = yield* open
        const remote = makeRemoteId()
        const texts = Array.from({ length: 64 }, (_, i) => String(i))
        yield* Effect.forEach(texts, (text) => journal.note(text), { concurrency: 64, discard: true })
        const ids = (yield* journal.entries).map(({ id }) => id)
        expect(new Set(ids).size).toBe(64)
        expect([...(yield* journal.upload(remote))].sort()).toEqual([...texts].sort())
      })
    )
  })
}

/** Runs a part of a test on the journal in a place, which is opened for it. */
const inJournal = <A, E, R>(place: Place, use: Effect.Effect<A, E, R>, options?: LsmEventJournal.Options) =>
  use.pipe(Effect.provide(LsmEventJournal.layer(options)), Effect.provide(place.open()))

describe("EventJournal on a store", () => {
  for (const [title, newPlace] of [
    ["memory", memory],
    ["disk", disk]
  ] as const)
    it.scoped(`is the same when it is opened again, ${title}`, () =>
      Effect.gen(function* () {
        const place = yield* newPlace
        const [remote, other] = [makeRemoteId(), makeRemoteId()]
        const sent = entryAt(Date.now() + 60_000, "Noted", "key", "sent")
        const before = yield* inJournal(
          place,
          Effect.gen(function* () {
            const journal = yield* open
            yield* journal.note("1")
            yield* journal.upload(other)
            yield* journal.receive(remote, [[5, sent]])
            return yield* journal.entries
          })
        )
        yield* inJournal(
          place,
          Effect.gen(function* () {
            const journal = yield* open
            expect(yield* journal.entries).toEqual(before)
            expect(yield* journal.next(remote)).toBe(6)
            yield* journal.note("2")
            // Its time is to come, and still the new entry is after it.
            expect(yield* journal.texts).toEqual(["1", "sent", "2"])
            expect(yield* journal.upload(other)).toEqual(["sent", "2"])
            expect(yield* journal.upload(remote)).toEqual(["1", "2"])
            expect(yield* journal.receive(remote, [[5, sent]])).toEqual([])
          })
        )
      })
    )

  it.scoped("is not seen under another name, and destroys nothing of it", () =>
    Effect.gen(function* () {
      const place = yield* memory
      yield* inJournal(
        place,
        Effect.flatMap(open, ({ note }) => note("1")),
        { name: "a" }
      )
      yield* inJournal(
        place,
        Effect.gen(function* () {
          const journal = yield* open
          expect(yield* journal.texts).toEqual([])
          yield* journal.destroy
        }),
        { name: "b" }
      )
      expect(
        yield* inJournal(
          place,
          Effect.flatMap(open, ({ texts }) => texts),
          { name: "a" }
        )
      ).toEqual(["1"])
    })
  )

  it.scoped("is one journal for two layers of a name", () =>
    Effect.gen(function* () {
      const remote = makeRemoteId()
      const [one, two] = yield* Effect.all([
        Effect.provide(open, LsmEventJournal.layer()),
        Effect.provide(open, LsmEventJournal.layer())
      ])
      const changes = yield* two.changes
      yield* Effect.all([one.note("1"), two.note("2"), one.note("3")], { concurrency: "unbounded" })
      expect([...(yield* changes)].sort()).toEqual(["1", "2", "3"])
      expect(yield* one.upload(remote)).toHaveLength(3)
      expect(yield* two.upload(remote)).toEqual([])
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("writes once what two take from a remote at the same time", () =>
    Effect.gen(function* () {
      const journal = yield* open
      const [remote, other] = [makeRemoteId(), makeRemoteId()]
      const entries = Array.from({ length: 20 }, (_, i): Remote => [i, entryAt(early + i, "Noted", "a", String(i))])
      yield* Effect.all([journal.receive(remote, entries), journal.receive(remote, entries.slice(5))], {
        concurrency: 2
      })
      expect(yield* journal.upload(other)).toHaveLength(20)
      expect(yield* journal.next(remote)).toBe(20)
    }).pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("deletes all its keys when it is destroyed, and no others", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      yield* store.put("plain", "1")
      const journal = yield* open
      yield* journal.note("1")
      yield* journal.receive(makeRemoteId(), [[0, entryAt(early, "Noted", "a")]])
      yield* journal.upload(makeRemoteId())
      yield* journal.destroy
      expect(yield* store.count(adapterRange("journal"))).toBe(0)
      expect(yield* store.count()).toBe(1)
    }).pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("says what it does not take", () =>
    Effect.gen(function* () {
      const journal = yield* open
      const tooLong = "a".repeat(70_000)
      for (const [call, tag] of [
        [journal.note("1", "\ud800"), "InvalidArgument"],
        [journal.write("\udc00", "a", "1", () => Effect.void), "InvalidArgument"],
        [journal.note("1", tooLong), "LimitExceeded"],
        [journal.receive(makeRemoteId(), [[0, entryAt(early, "Noted", "\ud800")]]), "InvalidArgument"]
      ] as const) {
        const error = yield* Effect.flip<unknown, EventJournal.EventJournalError, never>(call)
        expect(causeOf(error)).toMatchObject({ _tag: tag })
      }
      // What was refused keeps nothing from being uploaded.
      yield* journal.note("2")
      expect(yield* journal.upload(makeRemoteId())).toEqual(["2"])
      const fault = yield* Effect.flip(Effect.provide(open, LsmEventJournal.layer({ name: "" })))
      expect(fault).toMatchObject({ _tag: "InvalidArgument", argument: "name" })
    }).pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails on what it has not written", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const journal = yield* open
      yield* journal.note("1")
      for (const { key } of yield* store.collect(adapterRange("journal"))) yield* store.put(key, "?")
      const calls = [journal.entries, journal.upload(makeRemoteId())]
      for (const call of calls) {
        const error = yield* Effect.flip<unknown, EventJournal.EventJournalError, never>(call)
        expect(causeOf(error)).toMatchObject({ _kind: "ForeignValue" })
      }
    }).pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails when the store is closed", () =>
    Effect.gen(function* () {
      const place = yield* memory
      const journal = yield* inJournal(place, open)
      const remote = makeRemoteId()
      for (const call of [journal.note("1"), journal.entries, journal.upload(remote), journal.next(remote)]) {
        const error = yield* Effect.flip<unknown, EventJournal.EventJournalError, never>(call)
        expect(causeOf(error)).toMatchObject({ _tag: "StoreClosed" })
      }
    })
  )
})
