import { cpSync, lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { start } from "./child.js"

/** The contents of every file of a directory. Its owner may remove files during the read. */
export const filesOf = (directory: string): ReadonlyMap<string, string> => {
  const files = new Map<string, string>()
  for (const name of readdirSync(directory).sort()) {
    try {
      const path = join(directory, name)
      // An owner's socket has only a name.
      files.set(name, lstatSync(path).isSocket() ? "socket" : readFileSync(path, "base64"))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
  }
  return files
}

/** Copies a store's files except sockets, which Node cannot copy. A killed owner leaves one. */
export const copyStore = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() })

/** Leaves the name of a killed owner in a directory. Returns the names of owners there. */
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

/**
 * Orders processes to open a directory at the same moment, and the owner to put a key. Returns the
 * sorted outcomes.
 */
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
