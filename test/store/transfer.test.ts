import { MessageChannel } from "node:worker_threads"
import * as Transferable from "@effect/platform/Transferable"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { LsmStore } from "effect-lsm"
import { text } from "../support/bytes.js"

/** Transfers a value's buffer. Some releases of Node copy it instead, others refuse. */
type Transfer = (value: Uint8Array) => void

const refusable = (transfer: Transfer): Transfer => {
  return (value) => {
    try {
      transfer(value)
    } catch (error) {
      expect(error).toMatchObject({ name: "DataCloneError" })
    }
  }
}

const post: Transfer = (value) => {
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(value, [value.buffer as ArrayBuffer])
  } finally {
    port1.close()
    port2.close()
  }
}

const ways: Record<string, Transfer> = {
  structuredClone: (value) => structuredClone(value, { transfer: [value.buffer as ArrayBuffer] }),
  "MessagePort.postMessage": post,
  "Effect's Transferable": (value) => {
    const collector = Effect.runSync(Transferable.makeCollector)
    const encode = Schema.encode(Transferable.Uint8Array)(value as Uint8Array<ArrayBuffer>)
    const encoded = Effect.runSync(Effect.provideService(encode, Transferable.Collector, collector))
    expect(collector.unsafeRead()).toStrictEqual([value.buffer])
    post(encoded)
  }
}

const count = 2000
const keyOf = (i: number) => `k${String(i).padStart(5, "0")}`
const valueOf = (i: number) => `value-${i}`

const fill = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  for (let i = 0; i < count; i++) yield* store.put(keyOf(i), valueOf(i), { durability: "buffered" })
  return store
})

const provided = <A, E>(program: Effect.Effect<A, E, LsmStore.LsmStore>, tuning = {}) =>
  Effect.provide(program, LsmStore.layerMemory(tuning))

describe("returned bytes", () => {
  for (const [name, way] of Object.entries(ways)) {
    const transfer = refusable(way)

    it.effect(`of small values are not detached by ${name}, nor are their neighbours`, () =>
      provided(
        Effect.gen(function* () {
          const store = yield* fill
          const before = Option.getOrThrow(yield* store.get(keyOf(1)))
          const [entry] = yield* store.collect({ limit: 1 })
          for (const value of [before, entry!.key, entry!.value]) {
            const seen = text(value)
            transfer(value)
            expect(text(value)).toBe(seen)
          }
          for (let i = 0; i < count; i++) expect(text(store.unsafeGet(keyOf(i))!)).toBe(valueOf(i))
          expect(text(before)).toBe(valueOf(1))
        })
      )
    )

    for (const [place, tuning] of Object.entries({
      "read ahead": { blockCacheBytes: 0 },
      "in the cache": {},
      compressed: { compression: "deflate" }
    })) {
      it.effect(`of a Stream are not detached by ${name}, nor are values still to be read: ${place}`, () =>
        provided(
          Effect.gen(function* () {
            const store = yield* fill
            yield* store.flush
            for (const reverse of [false, true]) {
              for (let round = 0; round < 2; round++) {
                const seen: Array<Uint8Array> = []
                yield* Stream.runForEach(store.values({ chunkSize: 10, reverse }), (value) =>
                  Effect.sync(() => {
                    seen.push(value)
                    if (seen.length % 400 === 5) transfer(value)
                  })
                )
                const due = Array.from({ length: count }, (_, i) => valueOf(reverse ? count - 1 - i : i))
                expect(seen.map(text)).toStrictEqual(due)
              }
            }
          }),
          tuning
        )
      )
    }

    it.effect(`of a large value from a lookup own their buffer and are transferred by ${name}`, () =>
      provided(
        Effect.gen(function* () {
          const store = yield* LsmStore.LsmStore
          yield* store.put("large", new Uint8Array(10_000).fill(7))
          for (const round of ["in a memtable", "in a table"]) {
            const value = Option.getOrThrow(yield* store.get("large"))
            expect(value.buffer.byteLength, round).toBe(10_000)
            way(value)
            expect(value.byteLength, round).toBe(0)
            expect(store.unsafeGet("large"), round).toStrictEqual(new Uint8Array(10_000).fill(7))
            yield* store.flush
          }
        })
      )
    )
  }
})
