import { cpSync, lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { start } from "./child.js"

/** The contents of every file of a directory; its owner may remove some while it is read. */
export const filesOf = (directory: string): ReadonlyMap<string, string> => {
  const files = new Map<string, string>()
  for (const name of readdirSync(directory).sort()) {
    try {
      const path = join(directory, name)
      // Of an owner's socket the name is all there is.
      files.set(name, lstatSync(path).isSocket() ? "socket" : readFileSync(path, "base64"))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
  }
  return files
}

/** Copies a store's files; Node copies no sockets, such as the name of an owner that was killed. */
export const copyStore = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() })

/** Leaves the name of an owner that was killed in a directory; the result is that name. */
export const leaveStale = (program: string, directory: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const owner = yield* start(program, "own", directory)
    yield* owner.line
    yield* owner.order("open")
    yield* owner.line
    yield* owner.kill
    return ownersIn(directory)
  }).pipe(Effect.scoped)

/** The names of owners in a directory. */
export const ownersIn = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory).filter((name) => name.startsWith("LOCK-"))

/** What so many processes are told that open a directory at the same moment, the owner being ordered to put a key. */
export const race = (
  program: string,
  directory: string,
  processes: number
): Effect.Effect<ReadonlyArray<string>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const racers = yield* Effect.replicateEffect(start(program, "own", directory), processes)
    for (const racer of racers) yield* racer.line
    for (const racer of racers) yield* racer.order("open")
    const outcomes = yield* Effect.forEach(racers, (racer) =>
      Effect.gen(function* () {
        const outcome = yield* racer.line
        if (outcome !== "open") return outcome
        yield* racer.order("by the winner")
        return `${outcome}, ${yield* racer.line}`
      })
    )
    for (const racer of racers) {
      yield* racer.order("close")
      while ((yield* racer.line) !== "");
    }
    return [...outcomes].sort()
  })
