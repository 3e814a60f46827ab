import { type ChildProcessByStdio, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { build } from "esbuild"
import { eventually } from "../support/eventually.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/**
 * The program as one file, and the one of its threads as another: a process of it starts in a tenth of the time that its sources
 * take.
 */
export const bundle: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const outdir = yield* temporaryDirectory
  writeFileSync(join(outdir, "package.json"), JSON.stringify({ type: "module" }))
  const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))
  const entryPoints = {
    program: source("program.ts"),
    "internal/thread/compactionThread": source("../../src/internal/thread/compactionThread.ts")
  }
  yield* Effect.promise(() =>
    build({ entryPoints, outdir, bundle: true, platform: "node", format: "esm", logLevel: "error" })
  )
  return join(outdir, "program.js")
})

/** A process of the program. It is killed when the scope ends. */
export class Child {
  private readonly lines = Effect.runSync(Queue.unbounded<string>())
  private readonly gone: Promise<void>

  constructor(private readonly process: ChildProcessByStdio<Writable, Readable, null>) {
    process.stdin.on("error", () => undefined)
    this.gone = new Promise((resolve) => {
      createInterface(process.stdout)
        .on("line", (line) => this.lines.unsafeOffer(line))
        .on("close", () => {
          this.lines.unsafeOffer("")
          resolve()
        })
    })
  }

  /** The next line that it tells; "" when it is gone. */
  get line(): Effect.Effect<string> {
    return Queue.take(this.lines)
  }

  /** What it has told and nobody has taken. */
  get rest(): Effect.Effect<ReadonlyArray<string>> {
    return Effect.map(Queue.takeAll(this.lines), (all) => [...all].filter((line) => line !== ""))
  }

  order(line: string): Effect.Effect<void> {
    return Effect.sync(() => void this.process.stdin.write(`${line}\n`))
  }

  signal(name: NodeJS.Signals): Effect.Effect<void> {
    return Effect.sync(() => void this.process.kill(name))
  }

  /** Waits until the system says that it is stopped, or that it runs. */
  awaitStopped(stopped: boolean): Effect.Effect<void> {
    const state = Effect.sync(() => /\) (\w)/.exec(readFileSync(`/proc/${this.process.pid}/stat`, "utf8"))?.[1])
    return Effect.asVoid(eventually(state, (letter) => (letter === "T") === stopped))
  }

  /** Ends it as a crash would, and waits until it is gone with all that it held. */
  get kill(): Effect.Effect<void> {
    return Effect.promise(() => {
      this.process.kill("SIGKILL")
      return this.gone
    })
  }
}

/** Starts a process, which waits for its first order once it has told that it is ready. */
export const start = (program: string, task: string, directory: string): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () => new Child(spawn(process.execPath, [program, task, directory], { stdio: ["pipe", "pipe", "inherit"] }))
    ),
    (child) => child.kill
  )
