/**
 * The program that tests run in another process or thread. Its arguments are a task, a directory,
 * and an option of the task. It reports in lines of output, or in messages to its parent thread.
 */
import { openSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { isMainThread, parentPort, workerData } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Stream from "effect/Stream"
import { LsmStore, type Store, WriteBatch } from "effect-lsm"
import * as CompactionWorker from "effect-lsm/CompactionWorker"

const [task, directory, more] = isMainThread ? process.argv.slice(2) : (workerData as Array<string>)

const tell = (line: string) =>
  Effect.sync(() => {
    if (isMainThread) process.stdout.write(`${line}\n`)
    else parentPort!.postMessage(line)
  })

const durabilities = { sync: "sync", buffered: "buffered", interval: { interval: "20 millis" } } as const

/** Returns the error code with which the system refuses a call, or `"allowed"`. */
const refusal = (run: () => void): string => {
  try {
    run()
    return "allowed"
  } catch (cause) {
    return String((cause as NodeJS.ErrnoException).code)
  }
}

const tasks: Record<string, Effect.Effect<void, unknown>> = {
  /** Opens the store and keeps it open. Reports the error if that fails. */
  hold: Effect.gen(function* () {
    yield* LsmStore.make({ directory: directory! })
    yield* tell("open")
    // Keep the event loop alive.
    yield* Effect.async<never>(() => void process.stdin.resume())
  }).pipe(
    Effect.scoped,
    Effect.catchAll(({ _tag }) => tell(_tag))
  ),

  /**
   * Counts the entries of a store that it may not write to. If started as root, runs as `nobody`.
   */
  read: Effect.gen(function* () {
    if (process.getuid?.() === 0) process.seteuid?.(65_534)
    yield* tell(refusal(() => writeFileSync(join(directory!, "mine"), "")))
    yield* tell(refusal(() => openSync(join(directory!, "CURRENT"), "r+")))
    const store = yield* LsmStore.make({ directory: directory!, readOnly: true })
    yield* tell(String(yield* store.count()))
  }).pipe(Effect.scoped),

  /** Does nothing, forever. */
  idle: Effect.async<never>(() => void setInterval(() => undefined, 1_000_000)),

  /** Reports what the system lets the user `nobody` do to a store that another user has open. */
  trouble: Effect.gen(function* () {
    const socket = readdirSync(directory!).find((name) => name.startsWith("LOCK-"))!
    process.setgroups!([])
    process.setgid!(65_534)
    process.setuid!(65_534)
    const connecting = Effect.async<string>((resume) => {
      const connection = connect(join(directory!, socket))
      connection.on("connect", () => resume(Effect.succeed("allowed")))
      connection.on("error", ({ code }: NodeJS.ErrnoException) => resume(Effect.succeed(String(code))))
    })
    const told = {
      list: refusal(() => readdirSync(directory!)),
      read: refusal(() => readFileSync(join(directory!, "CURRENT"))),
      create: refusal(() => writeFileSync(join(directory!, "LOCK-0000000000000000"), "")),
      remove: refusal(() => unlinkSync(join(directory!, socket))),
      connect: yield* connecting
    }
    yield* tell(JSON.stringify(told))
  }),

  /** Writes batches of two entries. Reports the number of each batch once it is acknowledged. */
  write: Effect.gen(function* () {
    const store = yield* LsmStore.make({
      directory: directory!,
      durability: durabilities[more as keyof typeof durabilities],
      memtableBytes: 40_000
    })
    for (let i = 0; ; i++) {
      yield* store.write(WriteBatch.make().put(`a${i}`, String(i)).put(`b${i}`, String(i)))
      yield* tell(String(i))
    }
  }).pipe(Effect.scoped),

  /** Compacts in a thread, then keeps the store open and does nothing. */
  "compact in a thread": Effect.gen(function* () {
    const store = yield* CompactionWorker.makeStore({ directory: directory!, durability: "buffered" })
    for (let table = 0; table < 2; table++) {
      const batch = WriteBatch.make()
      for (let n = 0; n < 20_000; n++) batch.put(String(n), String(table))
      yield* store.write(batch)
      yield* store.flush
    }
    yield* store.compact()
    yield* tell(`compacted ${yield* store.count()}`)
    yield* tell("idle")
    yield* Effect.async<never>(() => undefined)
  }).pipe(Effect.scoped),

  /** Flushes some megabytes by default, then keeps the store open and does nothing. */
  "flush by default": Effect.gen(function* () {
    const store = yield* LsmStore.make({ directory: directory!, durability: "buffered" })
    const batch = WriteBatch.make()
    for (let n = 0; n < 4000; n++) batch.put(String(n), "v".repeat(1000))
    yield* store.write(batch)
    yield* store.flush
    yield* tell(`flushed ${yield* store.count()}`)
    yield* tell("idle")
    yield* Effect.async<never>(() => undefined)
  }).pipe(Effect.scoped),

  /**
   * Keeps writing after the directory has vanished, until writes fail. Then keeps the store open
   * and does nothing.
   */
  vanish: Effect.gen(function* () {
    const store = yield* LsmStore.make({ directory: directory!, durability: "buffered", memtableBytes: 70_000 })
    yield* store.put("kept", "1")
    rmSync(directory!, { recursive: true })
    const writing = Effect.forever(store.put("key", "v".repeat(1000)))
    yield* tell((yield* Effect.flip(writing))._tag)
    yield* tell((yield* Effect.flip(store.put("key", "v")))._tag)
    yield* Effect.async<never>(() => undefined)
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None)),

  /** Writes the given number of entries, and scans them. */
  scan: Effect.gen(function* () {
    const store = yield* LsmStore.make({ directory: directory!, durability: "buffered", memtableBytes: 8_000_000 })
    const total = Number(more)
    for (let i = 0; i < total; ) {
      const batch = WriteBatch.make()
      for (const end = Math.min(total, i + 2000); i < end; i++) {
        batch.put(String(i).padStart(12, "0"), `the value of entry ${i}, of about a hundred bytes`.padEnd(100, "."))
      }
      yield* store.write(batch)
    }
    const counted = (options: Store.ScanOptions) =>
      Stream.runFold(store.scan(options), { entries: 0, bytes: 0 }, ({ entries, bytes }, { key, value }) => ({
        entries: entries + 1,
        bytes: bytes + key.length + value.length
      }))
    yield* tell(JSON.stringify(yield* counted({})))
    yield* tell(JSON.stringify(yield* counted({ reverse: true, limit: 200_000 })))
  }).pipe(Effect.scoped)
}

Effect.runFork(Effect.provide(tasks[task!]!, Logger.minimumLogLevel(LogLevel.Error)))
