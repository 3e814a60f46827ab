import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type ConformanceCase, failsWith, rowsOf, same, textOf } from "./case.js"

/** Snapshots. */
export const snapshotCases: ReadonlyArray<ConformanceCase> = [
  {
    name: "reads a snapshot as of its moment, by each way of reading",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        for (const key of ["a", "b", "c"]) yield* store.put(at(key), "1")
        const before = yield* store.getEntry(at("b"))
        const view = yield* store.snapshot
        yield* store.put(at("b"), "2")
        yield* store.delete(at("a"))
        yield* store.put(at("d"), "2")
        yield* store.deleteRange({ start: at("c"), end: at("d") })
        const snapshot = { sequence: view.sequence }
        yield* same(Object.keys(snapshot), ["sequence"], "a snapshot's own data")
        const expected = ["a=1", "b=1", "c=1"]
        for (const [what, reads] of [
          ["its methods", view],
          [
            "the option",
            {
              get: (key: string) => store.get(key, { snapshot: view }),
              getEntry: (key: string) => store.getEntry(key, { snapshot: view }),
              getMany: (keys: Iterable<string>) => store.getMany(keys, { snapshot: view }),
              has: (key: string) => store.has(key, { snapshot: view }),
              scan: (options: object) => store.scan({ ...options, snapshot: view }),
              collect: (options: object) => store.collect({ ...options, snapshot: view }),
              count: (range: object) => store.count({ ...range, snapshot: view })
            }
          ]
        ] as const) {
          yield* same(Option.map(yield* reads.get(at("b")), textOf), Option.some("1"), `get by ${what}`)
          const entry = yield* reads.getEntry(at("b"))
          const version = Option.map(({ version }: { readonly version: number }) => version)
          yield* same(version(entry), version(before), `getEntry by ${what}`)
          const many = yield* reads.getMany([at("a"), at("d")])
          yield* same(many.map(Option.isSome), [true, false], `getMany by ${what}`)
          yield* same([yield* reads.has(at("c")), yield* reads.has(at("d"))], [true, false], `has by ${what}`)
          yield* same(rowsOf(yield* Stream.runCollect(reads.scan(own)), given), expected, `scan by ${what}`)
          const reversed = yield* reads.collect({ ...own, reverse: true })
          yield* same(rowsOf(reversed, given), [...expected].reverse(), `collect by ${what}`)
          yield* same(yield* reads.count(own), 3, `count by ${what}`)
        }
        yield* same(rowsOf(yield* store.collect(own), given), ["b=2", "d=2"], "the store now")
      })
  },
  {
    name: "refuses a snapshot whose scope has ended",
    run: ({ at, store }) =>
      Effect.gen(function* () {
        const view = yield* Effect.scoped(store.snapshot)
        yield* failsWith("InvalidArgument", view.get(at("a")))
        yield* failsWith("InvalidArgument", store.get(at("a"), { snapshot: view }))
        yield* failsWith("InvalidArgument", Stream.runDrain(view.scan()))
      })
  },
  {
    name: "scans as of the moment when the Stream begins",
    run: (given) =>
      Effect.gen(function* () {
        const { at, own, store } = given
        for (let i = 0; i < 20; i++) yield* store.put(at(String(i).padStart(2, "0")), "1")
        let isFirst = true
        const rows = yield* Stream.runCollect(
          Stream.tap(store.scan({ ...own, chunkSize: 1 }), () => {
            if (!isFirst) return Effect.void
            isFirst = false
            return Effect.zipRight(store.deleteRange({ start: at("05"), ...own }), store.put(at("99"), "2"))
          })
        )
        const expected = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, "0")}=1`)
        yield* same(rowsOf(rows, given), expected, "the rows")
      })
  }
]
