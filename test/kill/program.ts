// The processes of `npm run test:kill`, bundled into one file so that they start quickly.
// Arguments: the task and the directory.
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as CompactionWorker from "../../src/CompactionWorker.js"
import { LsmOptions, LsmStore, Storage } from "../../src/index.js"
import { mergerInThread } from "../../src/internal/background/mergerInThread.js"
import { openOn } from "../../src/internal/engine/assembly.js"
import { batchOf, markerOf, plan, tuning, writers } from "./plan.js"

const [task, directory] = process.argv.slice(2)

const pause = new Int32Array(new SharedArrayBuffer(4))

/**
 * Prints a line before the process does anything else. `process.stdout` would keep in memory what a
 * full pipe does not take, and a killed process loses that.
 */
const print = (line: string) =>
  Effect.sync(() => {
    const bytes = Buffer.from(`${line}\n`)
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(1, bytes, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
        Atomics.wait(pause, 0, 0, 1)
      }
    }
  })

const orders = Effect.gen(function* () {
  const lines = yield* Queue.unbounded<string>()
  createInterface(process.stdin)
    .on("line", (line) => Queue.unsafeOffer(lines, line))
    .on("close", () => Queue.unsafeOffer(lines, "close"))
  return lines
})

const options = { ...tuning, directory: directory! }

/** A store with the background thread that stores have by default, which any work starts. */
const openWithThread = Effect.gen(function* () {
  const settings = yield* LsmOptions.resolveOptions(options)
  const program = () => new URL("./internal/background/thread.js", import.meta.url)
  const storage = yield* Storage.makeWith(settings)
  return yield* openOn(storage, settings, undefined, () => mergerInThread(settings, program, 0))
})

const opens: Record<string, typeof openWithThread> = {
  open: LsmStore.make({ ...options, backgroundThread: false }),
  "open with a thread": openWithThread,
  "open with CompactionWorker": CompactionWorker.makeStore(options)
}

const tasks: Record<string, Effect.Effect<void, unknown>> = {
  /**
   * Continues each writer's plan until ordered to close. Prints each batch when it begins and when
   * it is acknowledged.
   */
  write: Effect.gen(function* () {
    const lines = yield* orders
    yield* print("ready")
    const order = yield* Queue.take(lines)
    yield* print("opening")
    const store = yield* opens[order]!
    const found = yield* store.getMany(Array.from({ length: writers }, (_, writer) => markerOf(writer)))
    const from = found.map((value) => (Option.isSome(value) ? Number(new TextDecoder().decode(value.value)) : 0))
    yield* print(`open ${from.join(" ")}`)
    let closing = false
    const write = (writer: number) =>
      Effect.gen(function* () {
        for (let n = from[writer]! + 1; !closing; n++) {
          const planned = plan(writer, n)
          yield* print(`begun ${writer} ${n}`)
          yield* store.write(batchOf(planned), { durability: planned.durability })
          yield* print(`kept ${writer} ${n}`)
        }
      })
    const end = Effect.zipRight(
      Queue.take(lines),
      Effect.sync(() => {
        closing = true
      })
    )
    const all = [end, ...Array.from({ length: writers }, (_, writer) => write(writer))]
    yield* Effect.all(all, { concurrency: "unbounded", discard: true })
  }).pipe(Effect.scoped, Effect.zipRight(print("closed"))),

  /**
   * Tries to open when ordered, and prints the outcome. If it is the owner, puts each key that it
   * is given until ordered to close.
   */
  own: Effect.gen(function* () {
    const lines = yield* orders
    yield* print("ready")
    yield* Queue.take(lines)
    yield* Effect.gen(function* () {
      const store = yield* opens["open"]!
      yield* print("open")
      for (;;) {
        const line = yield* Queue.take(lines)
        if (line === "close") return
        yield* store.put(line, "put by order")
        yield* print(`put ${line}`)
      }
    }).pipe(
      Effect.scoped,
      Effect.catchTag("StoreLocked", ({ _tag }) => print(_tag))
    )
  })
}

Effect.runPromise(Effect.provide(tasks[task!]!, Logger.minimumLogLevel(LogLevel.Error))).then(
  () => process.exit(0),
  (error) => {
    Effect.runSync(print(`failed ${String(error)}`))
    process.exit(1)
  }
)
