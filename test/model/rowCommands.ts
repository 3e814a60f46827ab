import * as fc from "effect/FastCheck"
import type { FaultRule } from "./machine.js"

/** A row of the typed keyspace, whatever version of its value it is stored as. */
export interface Person {
  /** No two rows have one mail. */
  readonly mail: string
  readonly city: string | null
  readonly size: number
}

const person: fc.Arbitrary<Person> = fc.record({
  mail: fc.integer({ min: 0, max: 15 }).map((n) => `${n}@x`),
  city: fc.constantFrom("", "Oslo", "Rome", "Rome\u0000", null),
  size: fc.integer({ min: -3, max: 9 })
})
const key = fc.nat(11)
const durability = fc.constantFrom<"sync" | "buffered" | "interval" | undefined>(
  "sync",
  "buffered",
  "interval",
  undefined
)
const batchSize = fc.constantFrom(1, 2, 3, 256)

const tagged = <const Tag extends string, A>(tag: Tag, fields: fc.Arbitrary<A>) =>
  fields.map((given) => ({ _tag: tag, ...given }))

const put = tagged("PutRow", fc.record({ key, person, durability }))
const remove = tagged("DeleteRow", fc.record({ key, durability }))
const rowChange = fc.oneof({ weight: 3, arbitrary: put }, { weight: 1, arbitrary: remove })
const rowChanges = fc.array(rowChange, { maxLength: 6 })

const note = fc.record({
  key: fc.constantFrom("", "a", "a\u0000", "b", "é"),
  value: fc.string({ maxLength: 6, unit: "grapheme-ascii" }),
  ttl: fc.constantFrom(undefined, 1, 60, 3_600_000),
  inBatch: fc.boolean(),
  durability
})
const putNote = tagged("PutNote", note)
const deleteNote = tagged(
  "DeleteNote",
  fc.record({ key: fc.constantFrom("", "a", "a\u0000", "b", "é"), inBatch: fc.boolean(), durability })
)
/** A row and a note in one transaction. */
const together = tagged("Together", fc.record({ key, person, note: fc.string({ maxLength: 3 }), durability }))
const change = fc.oneof(
  { weight: 5, arbitrary: rowChange },
  { weight: 1, arbitrary: putNote },
  { weight: 1, arbitrary: deleteNote },
  { weight: 1, arbitrary: together }
)

/** Builds indexes, or writes rows of older versions anew, while others write. */
const upkeep = fc.record({ work: fc.constantFrom<"build" | "migrate">("build", "migrate"), batchSize })
const meanwhile = tagged("Meanwhile", fc.record({ upkeep, changes: rowChanges }))

const ordinary = [
  { weight: 30, arbitrary: change },
  { weight: 3, arbitrary: meanwhile },
  // Opens the keyspace with another version of its values, or with another index, and may work on that at once.
  {
    weight: 3,
    arbitrary: tagged(
      "Evolve",
      fc.record({ next: fc.option(fc.record({ upkeep, changes: fc.array(rowChange, { maxLength: 12 }) })) })
    )
  },
  { weight: 1, arbitrary: tagged("DropIndex", fc.record({})) },
  {
    weight: 1,
    arbitrary: tagged("Drop", fc.record({ which: fc.constantFrom<"people" | "notes">("people", "notes") }))
  },
  {
    weight: 4,
    arbitrary: tagged("Find", fc.record({ mail: fc.nat(15), city: fc.constantFrom("", "Oslo", "Rome", "R"), key }))
  },
  { weight: 2, arbitrary: tagged("Follow", fc.record({})) },
  {
    weight: 2,
    arbitrary: tagged("Settle", fc.record({ work: fc.constantFrom<"flush" | "compact">("flush", "compact") }))
  },
  { weight: 1, arbitrary: tagged("Pass", fc.record({ millis: fc.constantFrom(1, 50, 7_200_000) })) },
  { weight: 1, arbitrary: tagged("OpenAgain", fc.record({})) }
] as const

const trouble = [
  {
    weight: 2,
    arbitrary: tagged(
      "Refuse",
      fc.record({
        operation: fc.constantFrom<FaultRule["operation"]>("append", "sync", "read", "create", "any"),
        code: fc.constantFrom("EIO", "ENOSPC"),
        files: fc.constantFrom<FaultRule["files"]>("any", "log", "sst"),
        after: fc.nat(12),
        always: fc.boolean()
      })
    )
  },
  { weight: 3, arbitrary: tagged("Mend", fc.record({})) },
  {
    weight: 4,
    arbitrary: tagged("Break", fc.record({ work: fc.oneof(change, meanwhile), turns: fc.nat(40) }))
  },
  {
    weight: 3,
    arbitrary: tagged(
      "PowerOff",
      fc.record({
        changes: fc.array(fc.oneof({ weight: 3, arbitrary: change }, { weight: 2, arbitrary: meanwhile }), {
          maxLength: 5
        }),
        after: fc.nat(40),
        power: fc.boolean(),
        choice: fc.nat(1_000_000)
      })
    )
  }
] as const

const soundCommand = fc.oneof(...ordinary)
const anyCommand = fc.oneof(...ordinary, ...trouble)

export type RowCommand = typeof anyCommand extends fc.Arbitrary<infer A> ? A : never
export type RowCommandOf<Tag extends RowCommand["_tag"]> = Extract<RowCommand, { readonly _tag: Tag }>
export type RowChange = typeof change extends fc.Arbitrary<infer A> ? A : never
export type Work = RowChange | RowCommandOf<"Meanwhile">

/** Draws `length` commands from a seed. `faults` mixes in crashes, faults and interruptions. */
export const drawRowCommands = (seed: number, length: number, faults: boolean): ReadonlyArray<RowCommand> => {
  const command: fc.Arbitrary<RowCommand> = faults ? anyCommand : soundCommand
  return fc.sample(command, { seed, numRuns: length })
}
