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

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Bundles a program into one file, and the programs of its threads into others. A process starts about
 * ten times faster from these than from the sources.
 */
export const bundleOf = (program: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const outdir = yield* temporaryDirectory
    writeFileSync(join(outdir, "package.json"), JSON.stringify({ type: "module" }))
    const entryPoints = {
      program,
      "internal/background/thread": source("../../src/internal/background/thread.ts"),
      "internal/thread/compactionThread": source("../../src/internal/thread/compactionThread.ts")
    }
    const tsconfig = source("../../tsconfig.json")
    yield* Effect.promise(() =>
      build({ entryPoints, outdir, tsconfig, bundle: true, platform: "node", format: "esm", logLevel: "error" })
    )
    return join(outdir, "program.js")
  })

export const bundle = bundleOf(source("program.ts"))

/** A process that runs the program. It is killed when the scope ends. */
export class Child {
  private readonly lines = Effect.runSync(Queue.unbounded<string>())
  private readonly gone: Promise<void>

  constructor(private readonly process: ChildProcessByStdio<Writable, Readable, null>) {
    process.stdin.on("error", () => undefined)
    this.gone = new Promise((resolve) => {
      createInterface(process.stdout)
        .on("line", (line) => Queue.unsafeOffer(this.lines, line))
        .on("close", () => {
          Queue.unsafeOffer(this.lines, "")
          resolve()
        })
    })
  }

  /** The next line of its output, or "" after it has exited. */
  get line(): Effect.Effect<string> {
    return Queue.take(this.lines)
  }

  /** The lines of its output that were not taken yet. */
  get rest(): Effect.Effect<ReadonlyArray<string>> {
    return Effect.map(Queue.takeAll(this.lines), (all) => [...all].filter((line) => line !== ""))
  }

  order(line: string): Effect.Effect<void> {
    return Effect.sync(() => void this.process.stdin.write(`${line}\n`))
  }

  signal(name: NodeJS.Signals): Effect.Effect<void> {
    return Effect.sync(() => void this.process.kill(name))
  }

  /** Waits until the operating system reports it as stopped, or as running. */
  awaitStopped(stopped: boolean): Effect.Effect<void> {
    const state = Effect.sync(() => /\) (\w)/.exec(readFileSync(`/proc/${this.process.pid}/stat`, "utf8"))?.[1])
    return Effect.asVoid(eventually(state, (letter) => (letter === "T") === stopped))
  }

  /** Kills it, as a crash would, and waits until the end of its output. */
  get kill(): Effect.Effect<void> {
    return Effect.promise(() => {
      this.process.kill("SIGKILL")
      return this.gone
    })
  }
}

/** Starts a process. It prints `ready` and then waits for its first order. */
export const start = (program: string, task: string, directory: string): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(
      () => new Child(spawn(process.execPath, [program, task, directory], { stdio: ["pipe", "pipe", "inherit"] }))
    ),
    (child) => child.kill
  )
