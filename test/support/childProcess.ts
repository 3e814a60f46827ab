import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { compilePrograms } from "./builtPrograms.js"

let compiled: string | undefined

/** Returns the path of childProgram.ts compiled to JavaScript. */
export const childProgram = (): string => {
  compiled ??= join(compilePrograms("child", ["test/support/childProgram.ts"]), "childProgram.js")
  return compiled
}

export interface Child {
  /** The next line of output. Once the output has ended, `""`. */
  readonly line: Effect.Effect<string>
  /** All lines of output not yet taken. */
  readonly rest: Effect.Effect<ReadonlyArray<string>>
  /** Kills the process as a crash would, and waits until it has exited. */
  readonly kill: Effect.Effect<void>
}

export interface ChildOptions {
  /** A command that runs the process, such as `unshare` and its arguments. */
  readonly under?: ReadonlyArray<string>
  readonly env?: NodeJS.ProcessEnv
}

/** Runs childProgram.ts in a separate process, which is killed when the scope closes. */
export const spawnChild = (
  words: ReadonlyArray<string>,
  flags: ReadonlyArray<string> = [],
  { under = [], env }: ChildOptions = {}
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lines = yield* Queue.unbounded<string>()
    const [command, ...rest] = [...under, process.execPath, ...flags, childProgram(), ...words]
    const child = spawn(command!, rest, {
      stdio: ["pipe", "pipe", "inherit"],
      ...(env === undefined ? {} : { env })
    })
    const gone = new Promise<void>((resolve) => {
      createInterface(child.stdout)
        .on("line", (line) => Queue.unsafeOffer(lines, line))
        .on("close", () => {
          Queue.unsafeOffer(lines, "")
          resolve()
        })
    })
    const kill = Effect.promise(() => {
      child.kill("SIGKILL")
      return gone
    })
    yield* Effect.addFinalizer(() => kill)
    return { line: Queue.take(lines), rest: Effect.map(Queue.takeAll(lines), (all) => [...all]), kill }
  })
