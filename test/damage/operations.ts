import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LsmError, type Store } from "effect-lsm"
import { directory } from "../crash/simulation.js"
import { onlyError } from "../support/fiberExits.js"
import { expiryOf } from "../support/rangedHistory.js"
import type { Files, Model } from "./image.js"

/** The expected content of a store, the keys to read, and the files that it has. */
export interface Expected {
  readonly model: Model
  readonly keys: ReadonlyArray<string>
  /** The model's entries in order. */
  readonly sorted: ReadonlyArray<readonly [string, string]>
  readonly files: Files
  /** Whether values have times at which they expire, which their text says. */
  readonly hasTimes: boolean
}

export const expected = (model: Model, keys: ReadonlyArray<string>, files: Files, hasTimes = false): Expected => ({
  model,
  keys,
  files,
  hasTimes,
  sorted: [...model].sort(([a], [b]) => (a < b ? -1 : 1))
})

/**
 * The outcome of an operation. A wrong result is a fault. `named` are the files that errors name.
 */
export interface Outcome {
  readonly fault: string | undefined
  readonly named: ReadonlyArray<string>
}

/** An operation on an open store. */
export interface Operation {
  readonly name: string
  readonly run: (store: Store.Store, due: Expected) => Effect.Effect<Outcome>
}

/** Returns the file that an error names, or a fault if damage must not cause such an error. */
const nameOf = (error: unknown, files: Files): { readonly fault: string } | { readonly file: string } => {
  if (error instanceof LsmError.UnsupportedFormat) return { file: error.file }
  if (!(error instanceof LsmError.Corruption)) return { fault: `failed with ${String(error)}` }
  const { file, offset, region, reason } = error
  const sound =
    file.startsWith(`${directory}/`) &&
    Number.isInteger(offset) &&
    offset >= 0 &&
    offset <= (files.get(file)?.length ?? 0) &&
    region !== "" &&
    reason !== ""
  return sound ? { file } : { fault: `an error without a valid place: ${error.message}` }
}

/** The outcome that an exit stands for. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>, files: Files): Outcome => {
  if (Exit.isSuccess(exit)) return { fault: undefined, named: [] }
  const [error] = onlyError(exit.cause)
  if (error === undefined) return { fault: `a defect: ${Cause.pretty(exit.cause)}`, named: [] }
  const name = nameOf(error, files)
  return "fault" in name ? { fault: name.fault, named: [] } : { fault: undefined, named: [name.file] }
}

const decoder = new TextDecoder()

/** Many reads fail here, and capturing the stacks takes longer than the reads. */
const withoutStack = <A>(run: () => A): A => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const lookups: Operation = {
  name: "get",
  run: (store, { model, keys, files }) =>
    Effect.sync(() => {
      const named: Array<string> = []
      for (const key of keys) {
        let found: string | undefined
        try {
          const bytes = withoutStack(() => store.unsafeGet(key))
          found = bytes === undefined ? undefined : decoder.decode(bytes)
        } catch (error) {
          const name = nameOf(error, files)
          if ("fault" in name) return { fault: `${key}: ${name.fault}`, named }
          named.push(name.file)
          continue
        }
        if (found !== model.get(key)) return { fault: `${key} is ${found}, not ${model.get(key)}`, named }
      }
      return { fault: undefined, named }
    })
}

const scan = (reverse: boolean): Operation => ({
  name: reverse ? "reverse scan" : "scan",
  run: (store, { keys, sorted, files }) =>
    Effect.gen(function* () {
      let count = 0
      let fault: string | undefined
      const from = keys.length === 0 ? {} : { start: keys[0]!, end: `${keys.at(-1)!}\0` }
      const exit = yield* Effect.exit(
        Stream.runForEachChunk(store.scan({ ...from, reverse, chunkSize: 64 }), (entries) =>
          Effect.sync(() => {
            for (const { key, value } of entries) {
              const due = sorted[reverse ? sorted.length - 1 - count : count]
              count++
              if (decoder.decode(key) !== due?.[0] || decoder.decode(value) !== due[1]) {
                fault ??= `entry ${count} is ${decoder.decode(key)}, not ${due?.[0]}`
              }
            }
          })
        )
      )
      const outcome = outcomeOf(exit, files)
      if (fault === undefined && Exit.isSuccess(exit) && count < sorted.length) {
        fault = `${count} of ${sorted.length} entries`
      }
      return { named: outcome.named, fault: fault ?? outcome.fault }
    })
})

/** Asks when each value expires. Its text says it too. */
const times: Operation = {
  name: "expiresAt",
  run: (store, { model, keys, files, hasTimes }) =>
    Effect.gen(function* () {
      const named: Array<string> = []
      if (!hasTimes) return { fault: undefined, named }
      for (const key of keys) {
        const exit = yield* Effect.exit(store.expiresAt(key))
        const outcome = outcomeOf(exit, files)
        if (outcome.fault !== undefined) return { fault: `${key}: ${outcome.fault}`, named }
        named.push(...outcome.named)
        const due = expiryOf(model.get(key) ?? "")
        if (Exit.isSuccess(exit) && Option.getOrUndefined(exit.value) !== due) {
          return { fault: `${key} expires at ${Option.getOrUndefined(exit.value)}, not ${due}`, named }
        }
      }
      return { fault: undefined, named }
    })
}

/** The operations to run on each damaged store that opens. */
export const operations: ReadonlyArray<Operation> = [lookups, scan(false), scan(true), times]
