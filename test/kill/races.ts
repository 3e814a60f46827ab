import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { start } from "./child.js"

/** The contents of every file of a directory; its owner may remove some while it is read. */
export const filesOf = (directory: string): ReadonlyMap<string, string> => {
  const files = new Map<string, string>()
  for (const name of readdirSync(directory).sort()) {
    try {
      files.set(name, readFileSync(join(directory, name), "base64"))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
  }
  return files
}

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
