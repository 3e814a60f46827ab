import { createRequire } from "node:module"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { report } from "./format/report.js"
import { runWords } from "./framework/run.js"
import { logging } from "./io/logging.js"
import { tolerateClosedOutput } from "./io/output.js"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

/** Runs a command line and returns its exit code. */
export const run = (words: ReadonlyArray<string>): Effect.Effect<number> =>
  tolerateClosedOutput.pipe(
    Effect.zipRight(runWords(version, words)),
    Effect.as(0),
    Effect.catchAllCause(report),
    Effect.provide(Layer.merge(NodeFileSystem.layer, logging))
  )
