import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { type Store, WriteBatch } from "effect-lsm"
import { onlyError } from "./fiberExits.js"

export type Model = ReadonlyMap<string, string>

const decoder = new TextDecoder()

const contents = (store: Store.Store, reverse = false) =>
  Effect.map(Stream.runCollect(store.scan({ reverse })), (entries) => {
    const found = new Map<string, string>()
    for (const { key, value } of entries) found.set(decoder.decode(key), decoder.decode(value))
    return found
  })

const equal = (a: Model, b: Model): boolean => a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)

/**
 * A run of operations whose writes may fail. It tracks all contents that the store may have. An
 * acknowledged write is in all of them. A write that failed or was interrupted is in some. The
 * faults that the run has seen are in `faults`.
 */
export class WorkloadRun {
  private candidates: ReadonlyArray<Model> = [new Map()]
  readonly faults: Array<string> = []
  acknowledged = 0
  /** Operations that ended in an error, or were interrupted. */
  failed = 0
  private batches = 0

  constructor(private readonly keys: ReadonlyArray<string>) {}

  /**
   * Runs an operation. A failure gives undefined, an interruption interrupts, a defect is a fault.
   */
  private settle<A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A | undefined> {
    return Effect.exit(effect).pipe(
      Effect.flatMap((exit) => {
        if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
        this.failed++
        if (onlyError(exit.cause).length > 0) return Effect.succeed(undefined)
        if (!Exit.isInterrupted(exit)) this.faults.push(`${name}: ${String(exit)}`)
        return Effect.interrupt
      })
    )
  }

  /** Writes a batch that puts keys in rotation, and deletes the third one. */
  write(store: Store.Store, size: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const number = ++this.batches
      const writes = Array.from({ length: size }, (_, i) => this.keys[(number * 5 + i * 3) % this.keys.length]!)
      const batch = WriteBatch.make()
      for (const [i, key] of writes.entries()) {
        if (i === 2) batch.delete(key)
        else batch.put(key, `${number}:${"x".repeat((number * 13) % 70)}`)
      }
      const after = this.candidates.map((model) => {
        const next = new Map(model)
        for (const [i, key] of writes.entries()) {
          if (i === 2) next.delete(key)
          else next.set(key, `${number}:${"x".repeat((number * 13) % 70)}`)
        }
        return next
      })
      const before = this.candidates
      this.candidates = distinct([...before, ...after])
      return this.settle(
        "write",
        Effect.tap(store.write(batch), () =>
          Effect.sync(() => {
            this.acknowledged++
            this.candidates = distinct(after)
          })
        )
      )
    })
  }

  do(name: string, effect: Effect.Effect<unknown, unknown>): Effect.Effect<void> {
    return Effect.asVoid(this.settle(name, effect))
  }

  /** Reads everything in three ways. Each read must match a candidate or fail. */
  read(store: Store.Store): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      for (const reverse of [false, true]) {
        const found = yield* this.settle("scan", contents(store, reverse))
        if (found !== undefined) this.compare(reverse ? "a reverse scan" : "a scan", found)
      }
      for (const key of this.keys) {
        const value = yield* this.settle("get", store.getString(key))
        if (value === undefined) continue
        const found = value._tag === "Some" ? value.value : undefined
        if (!this.candidates.some((model) => model.get(key) === found)) this.faults.push(`${key} is ${found}`)
      }
    })
  }

  /** Opens the store without faults, and adds to `faults` everything that is wrong. */
  verify(open: <A, E>(use: (store: Store.Store) => Effect.Effect<A, E>) => Effect.Effect<A, unknown>) {
    return Effect.gen(this, function* () {
      const before = yield* open((store) =>
        Effect.gen(this, function* () {
          const found = yield* contents(store)
          this.compare("opened again", found)
          for (const key of this.keys) {
            const value = yield* store.getString(key)
            if ((value._tag === "Some" ? value.value : undefined) !== found.get(key)) this.faults.push(`get ${key}`)
          }
          yield* store.put("probe", "1")
          yield* store.flush
          yield* store.put("probe", "2")
          yield* store.compact()
          return found
        })
      )
      yield* open((store) =>
        Effect.gen(this, function* () {
          const found = yield* contents(store)
          if (found.get("probe") !== "2") this.faults.push("a write after recovery was lost")
          found.delete("probe")
          if (!equal(before, found)) this.faults.push("its contents differ between two openings")
        })
      )
    })
  }

  private compare(how: string, found: Model): void {
    if (!this.candidates.some((model) => equal(model, found))) {
      this.faults.push(`${how}: ${found.size} entries, which none of ${this.candidates.length} candidates has`)
    }
  }
}

const distinct = (models: ReadonlyArray<Model>): ReadonlyArray<Model> => {
  const kept: Array<Model> = []
  for (const model of models) if (!kept.some((other) => equal(other, model))) kept.push(model)
  return kept
}
