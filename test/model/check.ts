import * as Effect from "effect/Effect"
import type { Storage } from "effect-lsm"
import { DeletedGaps } from "../../src/core/cursor/deletedGaps.js"
import { seeded } from "../../src/core/simulation/random.js"
import { type SimulatedClock, simulated } from "../support/simulated.js"
import { type Command, drawProgram } from "./commands.js"
import { configurations, usualGaps } from "./configurations.js"
import { Run } from "./run.js"
import { shrink } from "./shrink.js"
import { type Breaks, TypedRows } from "./typedRows.js"

/** The outcome of a run: its results, and what was wrong at which command. */
export interface Outcome {
  readonly results: ReadonlyArray<string>
  readonly fault: string | undefined
}

/** A run that takes more milliseconds than this counts as hanging. */
const patience = 60_000

/** Whether typed rows stand beside the store: with every sixth configuration. */
export const hasRows = (configuration: number): boolean => configuration % 6 === 1

/** Runs commands on one configuration. `breaks` breaks the store of the typed rows. */
export const runCommands = async (
  seed: number,
  configuration: number,
  commands: ReadonlyArray<Command>,
  directory?: string,
  storage?: Storage.StorageService,
  breaks?: Breaks
): Promise<Outcome> => {
  const results: Array<string> = []
  let at = "opening"
  const program = (clock: SimulatedClock) =>
    Effect.gen(function* () {
      const rows =
        hasRows(configuration) && storage === undefined ? new TypedRows(seeded(seed), configuration, breaks) : undefined
      const run = new Run(clock, seeded(seed), configuration, results, directory, storage, rows)
      const steps = Effect.gen(function* () {
        yield* run.start
        for (const [i, command] of commands.entries()) {
          at = `command ${i}, ${JSON.stringify(command)}`
          yield* run.perform(command)
        }
        at = "the end"
        yield* run.end
      })
      yield* Effect.onError(steps, () => run.abandon)
    })
  let timer: NodeJS.Timeout | undefined
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("hangs")), patience)
  })
  try {
    await Promise.race([Effect.runPromise(simulated(seed, program)), hanging])
    return { results, fault: undefined }
  } catch (error) {
    return { results, fault: `${at}: ${error instanceof Error ? error.message : String(error)}` }
  } finally {
    clearTimeout(timer)
    DeletedGaps.leastPassed = usualGaps
  }
}

/**
 * Describes what is wrong with a run, with its shrunk list of commands. Undefined if nothing is.
 */
const report = async (
  title: string,
  commands: ReadonlyArray<Command>,
  faultOf: (commands: ReadonlyArray<Command>) => Promise<string | undefined>
): Promise<string | undefined> => {
  if ((await faultOf(commands)) === undefined) return undefined
  const least = await shrink(commands, async (fewer) => (await faultOf(fewer)) !== undefined)
  const lines = least.map((command) => `  ${JSON.stringify(command)}`)
  return [title, `${least.length} of ${commands.length} commands:`, ...lines, await faultOf(least)].join("\n")
}

/**
 * Checks commands mixed with crashes, faults and interruptions. The configuration may change when
 * the store is opened again.
 */
export const checkTrouble = (seed: number, length: number): Promise<string | undefined> => {
  const configuration = seed % configurations.length
  return report(
    `seed ${seed}, with trouble, on ${configurations[configuration]!.name}`,
    drawProgram(seed, length, true),
    async (commands) => (await runCommands(seed, configuration, commands)).fault
  )
}

/** Checks the same commands on every configuration. All must give the same results. */
export const checkHistory = (seed: number, length: number): Promise<string | undefined> =>
  report(`seed ${seed}, one history`, drawProgram(seed, length, false), async (commands) => {
    let first: Outcome | undefined
    for (const [i, { name }] of configurations.entries()) {
      const outcome = await runCommands(seed, i, commands)
      if (outcome.fault !== undefined) return `on ${name}: ${outcome.fault}`
      first ??= outcome
      const other = outcome.results.findIndex((result, n) => result !== first?.results[n])
      if (other >= 0 || outcome.results.length !== first.results.length) {
        return `on ${name}, result ${other}: ${outcome.results[other]}\nexpected ${first.results[other]}`
      }
    }
    return undefined
  })
