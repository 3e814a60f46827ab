import * as fc from "effect/FastCheck"
import type { FaultRule } from "./machine.js"
import { drawRowCommands, type RowCommand } from "./rowCommands.js"
import type { Way } from "./ways.js"

/** Few keys, so that commands often share one. In hexadecimal, which sorts as the bytes do. */
const key = fc.oneof(
  fc.constantFrom("", "00", "61", "6100", "6161", "ff", "ffff"),
  fc.array(fc.constantFrom("61", "62", "63"), { maxLength: 3 }).map((bytes) => bytes.join("")),
  fc.integer({ min: 0, max: 40 }).map((n) => `6b${n.toString(16).padStart(2, "0")}`)
)
const value = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.integer({ min: 0, max: 300 }).map((n) => "v".repeat(n))
)
const bound = fc.option(key, { nil: undefined })
const from = fc.constantFrom<"now" | "snapshot">("now", "snapshot")
const durability = fc.constantFrom<"sync" | "buffered" | "interval" | undefined>(
  "sync",
  "buffered",
  "interval",
  undefined,
  undefined,
  undefined
)
const range = { start: bound, end: bound, prefix: bound }

const step = fc.oneof(
  fc.record({
    step: fc.constantFrom<"next" | "prev" | "first" | "last">("next", "prev", "next", "prev", "first", "last")
  }),
  fc.record({ step: fc.constantFrom<"seek" | "seekBefore">("seek", "seekBefore"), key }),
  fc.record({ step: fc.constant("take" as const), count: fc.integer({ min: 0, max: 5 }), reverse: fc.boolean() })
)

const tagged = <const Tag extends string, A>(tag: Tag, fields: fc.Arbitrary<A>) =>
  fields.map((given) => ({ _tag: tag, ...given }))

/** How to write; undefined for plain writes. */
const way = fc.constantFrom<Way | undefined>(undefined, undefined, "transaction", "checks", "update", "compareAndSet")
/** For how long a value lives, in milliseconds. Undefined: for ever. */
const ttl = fc.constantFrom(undefined, undefined, undefined, undefined, 1, 60, 3_600_000)
const rangeEnd = fc.record({ end: bound })
const writes = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: fc.tuple(key, fc.option(value, { nil: undefined, freq: 2 })) },
    { weight: 1, arbitrary: fc.tuple(key, fc.record({ value, ttl: fc.constantFrom(1, 60, 3_600_000) })) },
    { weight: 2, arbitrary: fc.tuple(key, rangeEnd) }
  ),
  { maxLength: 8 }
)
const put = tagged("Put", fc.record({ key, value, durability, way, ttl }))
const remove = tagged("Delete", fc.record({ key, durability, way }))
const batch = tagged("Batch", fc.record({ writes, durability, way }))
const removeRange = tagged("DeleteRange", fc.record({ key, end: bound, durability, way }))
const write = fc.oneof(
  { weight: 5, arbitrary: put },
  { weight: 3, arbitrary: remove },
  { weight: 3, arbitrary: removeRange },
  { weight: 3, arbitrary: batch }
)
const flush = tagged("Flush", fc.record({}))
const compact = tagged("Compact", fc.record({ start: bound, end: bound }))
const sync = tagged("Sync", fc.record({}))
const change = fc.oneof(
  { weight: 8, arbitrary: write },
  { weight: 2, arbitrary: flush },
  { weight: 1, arbitrary: compact },
  { weight: 1, arbitrary: sync }
)

/** Strings that have no UTF-8 form. */
const illFormed = fc
  .tuple(fc.string({ maxLength: 3 }), fc.constantFrom("\ud800", "\udfff", "\ude00\ud83d"))
  .map((parts) => parts.join(""))

/** Writes one key many times. The number of versions that remain must not show. */
const hot = tagged(
  "Hot",
  fc.record({ key, values: fc.array(fc.option(value, { nil: undefined, freq: 4 }), { minLength: 10, maxLength: 80 }) })
)

const scan = tagged(
  "Scan",
  fc.record({
    ...range,
    what: fc.constantFrom<"scan" | "collect" | "entries" | "keys" | "values">(
      "scan",
      "collect",
      "entries",
      "keys",
      "values"
    ),
    reverse: fc.boolean(),
    limit: fc.option(fc.nat(10), { nil: undefined }),
    chunkSize: fc.constantFrom(2, 7, 512, 512, 512),
    /** The reader transfers the buffer of every nth value. 0 for none. */
    transferEvery: fc.constantFrom(0, 0, 0, 1, 3),
    from
  })
)

/**
 * Deletes a stretch of keys and reads over it, so that it becomes a gap. Then puts keys into it, and
 * reads parts of it backward and forward.
 */
const stretch = tagged(
  "Stretch",
  fc.record({
    first: fc.nat(30),
    length: fc.integer({ min: 2, max: 10 }),
    puts: fc.array(fc.nat(40), { maxLength: 4 }),
    flushes: fc.boolean(),
    cuts: fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
    reverse: fc.boolean()
  })
)

const get = tagged("Get", fc.record({ key, from }))
const getMany = tagged("GetMany", fc.record({ keys: fc.array(key, { maxLength: 6 }), from }))
const count = tagged("Count", fc.record({ ...range, from }))

/** Commands on a sound machine. Their results do not depend on the store's options. */
const ordinary = [
  { weight: 24, arbitrary: write },
  { weight: 1, arbitrary: hot },
  { weight: 2, arbitrary: stretch },
  { weight: 2, arbitrary: tagged("Feed", fc.record({})) },
  { weight: 1, arbitrary: tagged("IllFormed", fc.record({ text: illFormed, key })) },
  { weight: 8, arbitrary: get },
  { weight: 2, arbitrary: getMany },
  { weight: 6, arbitrary: scan },
  { weight: 2, arbitrary: count },
  // A question in a transaction that has written, and is given up.
  {
    weight: 4,
    arbitrary: tagged("Within", fc.record({ writes, question: fc.oneof(get, getMany, scan, scan, scan, count) }))
  },
  // A scan with changes between its entries.
  { weight: 1, arbitrary: tagged("ScanDuring", fc.record({ scan, changes: fc.array(change, { maxLength: 5 }) })) },
  {
    weight: 2,
    arbitrary: tagged("OpenCursor", fc.record({ ...range, from, unsafe: fc.boolean(), keysOnly: fc.boolean() }))
  },
  { weight: 6, arbitrary: tagged("Steer", fc.record({ steps: fc.array(step, { maxLength: 12 }) })) },
  { weight: 2, arbitrary: tagged("Snapshot", fc.record({ unsafe: fc.boolean() })) },
  { weight: 2, arbitrary: tagged("Release", fc.record({})) },
  { weight: 2, arbitrary: flush },
  { weight: 1, arbitrary: compact },
  { weight: 1, arbitrary: tagged("CompactAll", fc.record({})) },
  { weight: 2, arbitrary: sync },
  { weight: 1, arbitrary: tagged("Approximate", fc.record(range)) },
  { weight: 1, arbitrary: tagged("Stats", fc.record({})) },
  { weight: 1, arbitrary: tagged("Wait", fc.record({ millis: fc.constantFrom(1, 50, 7_200_000) })) },
  { weight: 1, arbitrary: tagged("Reopen", fc.record({ configuration: fc.constant(undefined) })) }
] as const

const fault = fc.record({
  operation: fc.constantFrom<FaultRule["operation"]>(
    "append",
    "sync",
    "read",
    "create",
    "open",
    "rename",
    "remove",
    "sync directory",
    "any"
  ),
  code: fc.constantFrom("EIO", "EIO", "ENOSPC", "EMFILE"),
  files: fc.constantFrom<FaultRule["files"]>("any", "any", "log", "sst", "MANIFEST", "CURRENT"),
  after: fc.nat(12),
  always: fc.boolean()
})

/** Crashes, faults and interruptions. */
const trouble = [
  { weight: 4, arbitrary: tagged("Fault", fault) },
  { weight: 5, arbitrary: tagged("Heal", fc.record({ patient: fc.boolean(), reopen: fc.boolean() })) },
  // Interrupts `work` after `turns` yields to other fibers.
  { weight: 4, arbitrary: tagged("Interrupt", fc.record({ work: fc.oneof(change, scan), turns: fc.nat(40) })) },
  // Stops the machine after `after` disk operations, or at the latest after the changes. With
  // `rested`, waits until every interval has ended first.
  {
    weight: 2,
    arbitrary: tagged(
      "Crash",
      fc.record({
        rested: fc.boolean(),
        changes: fc.array(change, { maxLength: 6 }),
        after: fc.nat(40),
        power: fc.boolean(),
        choice: fc.nat(1_000_000),
        configuration: fc.option(fc.nat(100), { nil: undefined })
      })
    )
  },
  { weight: 1, arbitrary: tagged("Reopen", fc.record({ configuration: fc.nat(100) })) }
] as const

const ordinaryCommand = fc.oneof(...ordinary)
const anyCommand = fc.oneof(...ordinary, ...trouble)

type StoreCommand = typeof anyCommand extends fc.Arbitrary<infer A> ? A : never
/** A command for the typed rows, which some configurations have. */
interface RowsCommand {
  readonly _tag: "Rows"
  readonly command: RowCommand
}
export type Command = StoreCommand | RowsCommand
export type CommandOf<Tag extends Command["_tag"]> = Extract<Command, { readonly _tag: Tag }>
export type Change = typeof change extends fc.Arbitrary<infer A> ? A : never
export type Step = typeof step extends fc.Arbitrary<infer A> ? A : never

/** After this many commands comes one for the typed rows. */
const betweenRows = 3

/**
 * Draws `length` commands from a seed, and a third as many for the typed rows. `faults` mixes in crashes,
 * faults and interruptions.
 */
export const drawProgram = (seed: number, length: number, faults: boolean): ReadonlyArray<Command> => {
  const command: fc.Arbitrary<StoreCommand> = faults ? anyCommand : ordinaryCommand
  const rows = drawRowCommands(seed, Math.floor(length / betweenRows), faults)
  return fc.sample(command, { seed, numRuns: length }).flatMap((drawn, i): ReadonlyArray<Command> => {
    const next = i % betweenRows === 0 ? rows[i / betweenRows] : undefined
    return next === undefined ? [drawn] : [drawn, { _tag: "Rows", command: next }]
  })
}
