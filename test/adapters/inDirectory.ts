import { join } from "node:path"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** A test of promises, with the path of a directory that does not exist. */
export const inDirectory = (name: string, test: (location: string) => Promise<void>): void =>
  it.scopedLive(name, () =>
    Effect.flatMap(temporaryDirectory, (directory) => Effect.promise(() => test(join(directory, "db"))))
  )
