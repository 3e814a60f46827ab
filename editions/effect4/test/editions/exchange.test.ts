import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

/** The packages, each with its build. */
const editions = {
  "Effect 3": fileURLToPath(new URL("../../../../../", import.meta.url)),
  "Effect 4": fileURLToPath(new URL("../../", import.meta.url))
}
type Edition = keyof typeof editions

/** Small memtables and blocks, so that a few thousand entries make tables at several levels. */
const options = `{ directory, durability: "buffered", memtableBytes: 32768, blockBytes: 512, level1Bytes: 65536, compression: ["none", "deflate"] }`

/** The start of every program. Both editions understand it. */
const head = `
import { Effect, Stream } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"
import { createHash } from "node:crypto"
const [directory, from] = process.argv.slice(1)
const withStore = (use, more = {}) =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(LsmStore.make({ ...${options}, ...more }), use)))
`

/** Writes rounds of puts, deletes and batches. Some of it is compacted, some flushed, and some only in the log. */
const write = `${head}
await withStore((store) => Effect.gen(function* () {
  for (let n = Number(from); n < Number(from) + 1500; n++) {
    yield* store.put("key " + (n * 7919) % 2500, "value " + n + " ".repeat(n % 50))
    if (n % 5 === 0) yield* store.delete("key " + (n * 31) % 2500)
    if (n % 100 === 0) yield* store.write(WriteBatch.make().put("batch " + n, "a").put("batch " + (n + 1), "b").delete("batch " + (n - 100)))
    if (n % 1000 === 500) yield* store.compact()
  }
  yield* store.flush
  yield* store.put("last of " + from, "only in the log")
  yield* store.sync
  if (process.argv[3] === "killed") process.kill(process.pid, "SIGKILL")
}))
`

/** Prints how many entries there are and a digest of all of them, in order. */
const read = `${head}
await withStore((store) => Effect.gen(function* () {
  const digest = createHash("sha256")
  let count = 0
  yield* Stream.runForEach(store.scan(), ({ key, value }) => Effect.sync(() => { count++; digest.update(key).update("=").update(value).update(";") }))
  console.log(count, digest.digest("hex"), yield* store.has("last of " + from))
}), { readOnly: process.argv[3] === "read-only" })
`

const verify = `${head}
await Effect.runPromise(Stream.runForEach(LsmStore.verify({ directory }), (event) =>
  Effect.sync(() => { if (event._tag === "Verified") console.log(event.errors, "errors,", event.entries > 0, event.records > 0) })))
`

/** Holds the store open until its input ends. */
const hold = `${head}
await withStore((store) => Effect.gen(function* () {
  yield* store.put("held", "by another")
  console.log("open")
  yield* Effect.promise(() => new Promise((end) => process.stdin.on("end", end).resume()))
}))
`

/** Opens the store and prints why it could not. */
const refused = `${head}
console.log(await Effect.runPromise(Effect.scoped(Effect.flip(LsmStore.make({ directory })))).then((error) => error._tag))
`

const args = (program: string, words: ReadonlyArray<string>) => ["--input-type=module", "-e", program, ...words]

/** Runs a program with an edition, and returns the last line that it printed: a store logs before. */
const run = (edition: Edition, program: string, ...words: ReadonlyArray<string>): string => {
  const { stdout, stderr, signal } = spawnSync(process.execPath, args(program, words), {
    cwd: editions[edition],
    encoding: "utf8"
  })
  expect(stderr).toBe("")
  expect(signal).toBe(words.includes("killed") ? "SIGKILL" : null)
  return stdout.trimEnd().split("\n").at(-1)!
}

let directory: string
let children: Array<ChildProcess> = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "effect-lsm-editions-"))
})
afterEach(() => {
  for (const child of children) child.kill("SIGKILL")
  children = []
  rmSync(directory, { recursive: true })
})

const pairs: ReadonlyArray<readonly [Edition, Edition]> = [
  ["Effect 3", "Effect 4"],
  ["Effect 4", "Effect 3"]
]

describe.each(pairs)("a store written on %s", (writer, other) => {
  it.each(["closed", "killed"])("and %s is the same on the other, which goes on with it", (end) => {
    run(writer, write, directory, "0", end)
    const first = run(other, read, directory, "0", "read-only")
    expect(first).toMatch(/^\d{3,} [0-9a-f]{64} true$/)
    expect(run(other, verify, directory)).toBe("0 errors, true true")
    expect(run(writer, read, directory, "0", "read-only")).toBe(first)

    run(other, write, directory, "1500", end)
    const second = run(writer, read, directory, "1500")
    expect(second).not.toBe(first)
    expect(run(other, read, directory, "1500")).toBe(second)

    // The same work on one edition alone gives the same store.
    const alone = join(directory, "alone")
    for (const from of ["0", "1500"]) run(writer, write, alone, from)
    expect(run(writer, read, alone, "1500")).toBe(second)
  })

  it("has one owner: the other cannot open it meanwhile", async () => {
    const child = spawn(process.execPath, args(hold, [directory]), {
      cwd: editions[writer],
      stdio: ["pipe", "pipe", "inherit"]
    })
    children.push(child)
    const lines = createInterface(child.stdout!)
    expect((await lines[Symbol.asyncIterator]().next()).value).toBe("open")
    expect(run(other, refused, directory)).toBe("StoreLocked")
    child.stdin!.end()
    await new Promise((done) => child.on("close", done))
    expect(run(other, read, directory, "0")).toMatch(/^1 /)
  })
})
