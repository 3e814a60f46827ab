import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Keyspace, type LsmOptions, type Store } from "effect-lsm"
import { seedOf } from "../../src/core/simulation/random.js"
import { Journal, quickDisk } from "./journal.js"
import { directory, simulated, withStore } from "./simulation.js"
import { JournalHistory } from "./states.js"

/** What was acknowledged as durable: a row, whose value says in which life of the keyspace it was put, or a drop. */
type Fact = { readonly name: string; readonly life: number; readonly key: number } | { readonly drop: string }

const tuning: LsmOptions.Tuning = { memtableBytes: 600, level0Tables: 2 }

const openIn = (store: Store.Store, name: string) =>
  Keyspace.openIn(store, Keyspace.make({ name, key: Schema.Number, value: Schema.String }))

const valueOf = (name: string, life: number) => `${name} in life ${life}`

/** Two sessions, which open keyspaces at once, drop two of them and open them again. */
const record = Effect.gen(function* () {
  const journal = new Journal()
  const disk = quickDisk(journal.observer, 3)
  const facts: Array<Fact> = []
  const note = (fact: Fact) =>
    Effect.sync(() => {
      facts.push(fact)
      journal.mark({ kind: "kept", batch: facts.length })
    })
  const fill = (store: Store.Store, name: string, life: number) =>
    Effect.flatMap(openIn(store, name), (keyspace) =>
      Effect.forEach([1, 2, 3], (key) =>
        Effect.zipRight(keyspace.put(key, valueOf(name, life)), note({ name, life, key }))
      )
    )
  const drop = (store: Store.Store, name: string) => Effect.zipRight(Keyspace.dropIn(store, name), note({ drop: name }))
  yield* withStore(disk, tuning, (store) =>
    Effect.gen(function* () {
      yield* Effect.forEach(["a", "b", "c", "d"], (name) => fill(store, name, 1), { concurrency: "unbounded" })
      yield* drop(store, "b")
      yield* Effect.all([fill(store, "b", 2), fill(store, "e", 1)], { concurrency: "unbounded" })
    })
  )
  yield* withStore(disk, tuning, (store) =>
    Effect.gen(function* () {
      yield* drop(store, "e")
      yield* Effect.all([fill(store, "f", 1), fill(store, "e", 2)], { concurrency: "unbounded" })
    })
  )
  return { events: journal.events, facts }
}).pipe(simulated(1))

/** The lives and keys that each keyspace must have after the first facts. */
const expectedAfter = (facts: ReadonlyArray<Fact>) => {
  const expected = new Map<string, Array<number>>()
  for (const fact of facts) {
    if ("drop" in fact) expected.delete(fact.drop)
    else expected.set(fact.name, [...(expected.get(fact.name) ?? []), fact.key])
  }
  return expected
}

const judge = (files: ReadonlyMap<string, Uint8Array>, facts: ReadonlyArray<Fact>, kept: number) => {
  const disk = quickDisk()
  disk.makeDirectory("/data")
  disk.makeDirectory(directory)
  for (const [path, bytes] of files) disk.place(path, bytes.slice())
  return withStore(disk, tuning, (store) =>
    Effect.gen(function* () {
      const rowsOf = (name: string) => Effect.flatMap(openIn(store, name), (keyspace) => keyspace.collect())
      const expected = expectedAfter(facts.slice(0, kept))
      const names = yield* Keyspace.namesIn(store)
      for (const [name, keys] of expected) {
        // A drop that was under way may have happened.
        const mayBeDropped = facts.slice(kept).some((fact) => "drop" in fact && fact.drop === name)
        const found = names.includes(name) ? (yield* rowsOf(name)).map(({ key }) => key) : []
        if (!mayBeDropped) expect(found).toStrictEqual(expect.arrayContaining(keys))
      }
      const before = new Map<string, unknown>()
      for (const name of names) {
        const rows = yield* rowsOf(name)
        before.set(name, rows)
        const lives = [1, 2].map((life) => rows.filter(({ value }) => value === valueOf(name, life)).length)
        // No row of another keyspace, nor of another life.
        expect(lives[0]! + lives[1]!).toBe(rows.length)
        expect(Math.min(...lives)).toBe(0)
      }
      // A new keyspace gets an id that has no rows, and nothing is left of those that were dropped.
      expect(yield* rowsOf("new")).toStrictEqual([])
      for (const [name, rows] of before) expect(yield* rowsOf(name)).toStrictEqual(rows)
      const rows = [...before.values()].reduce((sum: number, list) => sum + (list as ReadonlyArray<unknown>).length, 0)
      expect(yield* store.count()).toBe(rows + names.length + 1 + 1)
    })
  ).pipe(simulated(2))
}

it.live(
  "keyspaces keep their names, ids and rows apart after a crash",
  () =>
    Effect.gen(function* () {
      const { events, facts } = yield* record
      const history = new JournalHistory()
      let judged = 0
      for (const [at, event] of events.entries()) {
        if (!history.advance(event)) continue
        let index = 0
        for (const state of history.states(seedOf(1, at))) {
          // The states are many, and much alike.
          if ((at * 3 + index++) % 61 !== 0) continue
          judged++
          yield* Effect.mapError(
            Effect.sandbox(judge(state.files(), facts, history.kept)),
            (cause) => new Error(`${at}.${index - 1} ${state.label()}: ${cause}`)
          )
        }
      }
      expect(judged).toBeGreaterThan(300)
    }),
  300_000
)
