/** How contenders are compared: operations in a second, the median of several rounds, in alternation. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Durability } from "effect-lsm/LsmOptions"
import * as LsmStore from "effect-lsm/LsmStore"
import type { OrderedStore } from "effect-lsm/OrderedStore"
import { spread } from "../lib/statistics.js"

const rounds = 5
export const fibers = 64
const count = process.argv.includes("--quick") ? 1000 : 10_000
const keys = Array.from({ length: count }, (_, i) => `key:${(i * 7919) % count}`)
export const text = "v".repeat(100)

/** The operations of a round, and what they are done with. */
export interface Contender<Service> {
  readonly name: string
  /** The name of the one of ours that gives up as much when the power goes. */
  readonly pair?: string
  readonly layer: (directory: string) => Layer.Layer<Service, unknown>
  /** The part of the operations that is done, for the slow ones. */
  readonly part?: number
}

export interface Row<Service> {
  readonly name: string
  /** Done before the time is taken. */
  readonly before?: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, Service>
  readonly measured: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, unknown, Service>
}

export const each = <R>(keys: ReadonlyArray<string>, f: (key: string) => Effect.Effect<unknown, unknown, R>) =>
  Effect.forEach(keys, f, { discard: true })
export const together = <R>(keys: ReadonlyArray<string>, f: (key: string) => Effect.Effect<unknown, unknown, R>) =>
  Effect.forEach(keys, f, { discard: true, concurrency: fibers })

export const ours = <Service>(
  durability: Durability,
  layer: (durability: Durability) => Layer.Layer<Service, unknown, OrderedStore>
): Contender<Service> => ({
  name: `effect-lsm, ${durability}`,
  part: durability === "sync" ? 0.1 : 1,
  layer: (directory) => Layer.provide(layer(durability), LsmStore.layer({ directory, durability }))
})

/** Only comparisons whose titles have this are made. */
const part = process.argv.slice(2).find((word) => !word.startsWith("--")) ?? ""

const round = async <Service>(row: Row<Service>, { layer, part = 1 }: Contender<Service>): Promise<number> => {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-adapters-"))
  const some = keys.slice(0, Math.max(1, count * part))
  try {
    return await Effect.gen(function* () {
      if (row.before !== undefined) yield* row.before(some)
      const started = performance.now()
      yield* row.measured(some)
      return (some.length * 1000) / (performance.now() - started)
    }).pipe(Effect.provide(layer(join(directory, "data"))), Effect.runPromise)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export const compare = async <Service>(
  title: string,
  rows: ReadonlyArray<Row<Service>>,
  contenders: ReadonlyArray<Contender<Service>>
): Promise<void> => {
  if (!title.includes(part)) return
  console.log(`\n${title}`)
  for (const row of rows) {
    const results = contenders.map((): Array<number> => [])
    for (let i = 0; i <= rounds; i++) {
      for (const [at, contender] of contenders.entries()) {
        const result = await round(row, contender)
        // The first round warms up.
        if (i > 0) results[at]!.push(result)
      }
    }
    const medians = results.map((all) => spread(all).median)
    const texts = contenders.map(({ name }, at) => `${name} ${Math.round(medians[at]!).toLocaleString("en")}`)
    console.log(`  ${row.name}: ${texts.join("; ")}`)
    for (const [at, { name, pair }] of contenders.entries()) {
      const own = contenders.findIndex((other) => other.name === pair)
      if (own >= 0) console.log(`    ${pair} / ${name}: ${(medians[own]! / medians[at]!).toFixed(1)}`)
    }
  }
}
