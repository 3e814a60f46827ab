// A program for each runtime and both editions: uses a store as an application does, closes it and opens it again. It prints `passed`.
// `smoke.mjs thread` compacts in a worker thread.
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option, Stream } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"

const inThread = process.argv.includes("thread")
const make = inThread ? (await import("effect-lsm/CompactionWorker")).makeStore : LsmStore.make

const directory = mkdtempSync(join(tmpdir(), "effect-lsm-smoke-"))
const options = { directory, memtableBytes: 64 * 1024, compression: ["none", "deflate"], durability: "buffered" }
const count = 5000
const key = (n) => `key ${String(n).padStart(6, "0")}`
const texts = (entries) => entries.map(({ key }) => new TextDecoder().decode(key))

const withStore = (use, more = {}) => Effect.scoped(Effect.flatMap(make({ ...options, ...more }), use))

const write = withStore((store) =>
  Effect.gen(function* () {
    for (let n = 0; n < count; n++) yield* store.put(key(n), `value ${n} `.repeat(8))
    yield* store.write(WriteBatch.make().put("batch", "whole").delete(key(1)))
    yield* store.put("synced", "yes", { durability: "sync" })
    yield* Effect.forEach(
      Array.from({ length: 64 }, (_, n) => n),
      (n) => store.put(`synced ${n}`, "yes", { durability: "sync" }),
      { concurrency: "unbounded" }
    )
    yield* store.flush
    yield* store.put("in the log", "yes")
    yield* store.compact()
    assert.ok((yield* store.stats).compactions > 0)
  })
)

const read = withStore((store) =>
  Effect.gen(function* () {
    assert.equal(yield* store.count(), count - 1 + 1 + 1 + 64 + 1)
    assert.equal(Option.getOrThrow(yield* store.getString("batch")), "whole")
    assert.equal(Option.isNone(yield* store.get(key(1))), true)
    assert.deepEqual(texts(yield* store.collect({ start: key(2), limit: 2 })), [key(2), key(3)])
    assert.deepEqual(texts(yield* store.collect({ prefix: "key", reverse: true, limit: 1 })), [key(count - 1)])
    let entries = 0
    yield* Stream.runForEach(store.scan({ prefix: "key" }), () => Effect.sync(() => entries++))
    assert.equal(entries, count - 1)
    const cursor = yield* store.cursor({ prefix: "key" })
    assert.equal(yield* cursor.seek(key(100)), true)
    assert.deepEqual(texts(yield* cursor.take(2)), [key(100), key(101)])
    const refusal = yield* Effect.flip(Effect.scoped(LsmStore.make(options)))
    assert.equal(refusal._tag, "StoreLocked")
  })
)

const verified = []
const verify = Stream.runForEach(LsmStore.verify({ directory }), (event) => Effect.sync(() => verified.push(event)))

await Effect.runPromise(Effect.andThen(write, read))
await Effect.runPromise(verify)
assert.equal(verified.at(-1).errors, 0)
rmSync(directory, { recursive: true })
console.log("passed")
