import { seeded } from "../../src/core/simulation/random.js"
import { isFailure } from "../../src/core/storage/failure.js"
import { mutate } from "./mutate.js"
import { type Target, targets } from "./targets.js"

export interface FuzzFinding {
  readonly target: string
  readonly fault: string
  /** The input, as hex. */
  readonly input: string
}

export interface FuzzReport {
  readonly inputs: number
  /** Inputs that their decoder accepted. */
  readonly decoded: number
  readonly findings: ReadonlyArray<FuzzFinding>
  /**
   * For each target: inputs, inputs decoded, longest time in ms, most bytes allocated for one
   * input.
   */
  readonly targets: Record<string, { inputs: number; decoded: number; slowest: number; mostBytes: number }>
}

/** The limit for one input of a few kilobytes, about a thousand times what the slowest takes. */
const ceilingMillis = 2000

/** How many bytes decoding may allocate in typed arrays, cursors and caches included. */
export const allocationLimit = (length: number): number => 64 * 1024 + 64 * length

/** Counts the bytes of each `Uint8Array` that `run` makes by length. */
const countingAllocations = <A>(run: (allocated: () => number) => A): A => {
  const Original = globalThis.Uint8Array
  let bytes = 0
  globalThis.Uint8Array = new Proxy(Original, {
    construct: (target, args, newTarget) => {
      if (typeof args[0] === "number") bytes += args[0]
      return Reflect.construct(target, args, newTarget === globalThis.Uint8Array ? target : newTarget)
    }
  })
  try {
    return run(() => bytes)
  } finally {
    globalThis.Uint8Array = Original
  }
}

/** Feeds mutated inputs to each decoder in turn. Half of them get valid checksums. */
export const fuzz = (inputs: number, seed: number, only?: string): FuzzReport => {
  const random = seeded(seed)
  const draw = (below: number): number => Math.floor(random() * below)
  const chosen = targets.filter(({ name }) => only === undefined || name === only)
  const findings: Array<FuzzFinding> = []
  const report: FuzzReport["targets"] = {}
  for (const { name } of chosen) report[name] = { inputs: 0, decoded: 0, slowest: 0, mostBytes: 0 }
  let decoded = 0

  const feed = (target: Target, bytes: Uint8Array, allocated: () => number): void => {
    const counts = report[target.name]!
    counts.inputs++
    const started = performance.now()
    const before = allocated()
    const note = (fault: string): void => {
      findings.push({ target: target.name, fault, input: Buffer.from(bytes).toString("hex") })
    }
    try {
      if (target.decode(bytes)) {
        counts.decoded++
        decoded++
      }
    } catch (error) {
      if (!isFailure(error)) note(String(error instanceof Error ? error.stack : error))
    }
    const millis = performance.now() - started
    const grown = allocated() - before
    counts.slowest = Math.max(counts.slowest, millis)
    counts.mostBytes = Math.max(counts.mostBytes, grown)
    if (millis > ceilingMillis) note(`took ${millis.toFixed(0)} ms`)
    if (grown > allocationLimit(bytes.length)) note(`allocated ${grown} bytes for an input of ${bytes.length}`)
  }

  countingAllocations((allocated) => {
    for (let i = 0; i < inputs; i++) {
      const target = chosen[i % chosen.length]!
      const seedBytes = target.seeds[draw(target.seeds.length)]!
      const other = chosen[draw(chosen.length)]!.seeds[0]!
      const bytes = mutate(seedBytes, other, draw)
      if (draw(2) === 0) target.reseal?.(bytes)
      feed(target, bytes, allocated)
    }
  })
  return { inputs, decoded, findings, targets: report }
}
