import * as FastCheck from "effect/FastCheck"
import { afterEach, describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { DeletedGaps } from "../../../src/core/cursor/deletedGaps.js"
import { EntryKind } from "../../../src/core/cursor/entryKind.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { Retention } from "../../../src/core/cursor/retention.js"
import { type KeyRange, VisibleCursor } from "../../../src/core/cursor/visibleCursor.js"
import { Memtable } from "../../../src/core/memtable/memtable.js"
import {
  ArrayCursor,
  hex,
  inOrder,
  kindOf,
  nothing,
  shortKey,
  type TestEntry,
  visibleAt
} from "../../support/entries.js"
import { check } from "../../support/property.js"

const usual = DeletedGaps.leastPassed
afterEach(() => {
  DeletedGaps.leastPassed = usual
})

const range: FastCheck.Arbitrary<KeyRange> = FastCheck.record({
  start: FastCheck.option(shortKey, { nil: undefined, freq: 1 }),
  end: FastCheck.option(shortKey, { nil: undefined, freq: 1 })
})

type Command =
  | { readonly tag: "write"; readonly operations: ReadonlyArray<readonly [Uint8Array, boolean]> }
  | {
      readonly tag: "scan"
      readonly range: KeyRange
      readonly reverse: boolean
      readonly most: number
      readonly back: number
    }
  | { readonly tag: "open"; readonly range: KeyRange; readonly reverse: boolean }
  | { readonly tag: "seek"; readonly cursor: number; readonly key: Uint8Array; readonly before: boolean }
  | { readonly tag: "step"; readonly cursor: number; readonly steps: number; readonly reverse: boolean }
  | { readonly tag: "turn"; readonly cursor: number; readonly back: boolean }
  | { readonly tag: "flush" | "compact" }

const operation = FastCheck.tuple(shortKey, FastCheck.boolean())
const few = FastCheck.nat(3)
const command: FastCheck.Arbitrary<Command> = FastCheck.oneof(
  {
    weight: 6,
    arbitrary: FastCheck.record<Command & { tag: "write" }>({
      tag: FastCheck.constant("write"),
      operations: FastCheck.array(operation, { minLength: 1, maxLength: 4 })
    })
  },
  {
    weight: 2,
    arbitrary: FastCheck.record<Command & { tag: "write" }>({
      tag: FastCheck.constant("write"),
      operations: FastCheck.array(FastCheck.tuple(shortKey, FastCheck.constant(false)), { minLength: 5, maxLength: 20 })
    })
  },
  {
    weight: 6,
    arbitrary: FastCheck.record<Command & { tag: "scan" }>({
      tag: FastCheck.constant("scan"),
      range,
      reverse: FastCheck.boolean(),
      most: FastCheck.constantFrom(1, 3, 100),
      back: FastCheck.constantFrom(0, 0, 0, 1, 5)
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record<Command & { tag: "open" }>({
      tag: FastCheck.constant("open"),
      range,
      reverse: FastCheck.boolean()
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record<Command & { tag: "seek" }>({
      tag: FastCheck.constant("seek"),
      cursor: few,
      key: shortKey,
      before: FastCheck.boolean()
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record<Command & { tag: "step" }>({
      tag: FastCheck.constant("step"),
      cursor: few,
      steps: FastCheck.integer({ min: 1, max: 5 }),
      reverse: FastCheck.boolean()
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record<Command & { tag: "turn" }>({
      tag: FastCheck.constant("turn"),
      cursor: few,
      back: FastCheck.constantFrom(false, false, true)
    })
  },
  { weight: 1, arbitrary: FastCheck.constantFrom<Command>({ tag: "flush" }, { tag: "compact" }) }
)

const keyAt = (cursor: VisibleCursor): Uint8Array => cursor.keyBytes.slice(cursor.keyStart, cursor.keyEnd)
const shown = (cursor: VisibleCursor): string | undefined =>
  cursor.valid ? `${hex(keyAt(cursor))}=${hex(cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd))}` : undefined

/** A cursor that stays open while others write. */
interface Open {
  readonly cursor: VisibleCursor
  readonly sequence: number
  readonly range: KeyRange
  /** The key that it shows, and the one that it showed before a move that is under way. */
  at: Uint8Array | undefined
  to: Uint8Array | undefined
}

/** A store of the least kind: a memtable, and runs of older entries. */
class Small {
  private readonly all: Array<TestEntry> = []
  private memory = new Memtable(1, 1 << 20)
  private inMemory: Array<TestEntry> = []
  private tables: Array<ReadonlyArray<TestEntry>> = []
  private newest = 0
  private readonly open: Array<Open> = []
  readonly gaps = new DeletedGaps(() => this.newest)
  skipped = 0

  constructor(private readonly patience: number) {}

  write(operations: ReadonlyArray<readonly [Uint8Array, boolean]>): void {
    const from = this.newest
    for (const [i, [key, isPut]] of operations.entries()) {
      const sequence = from + 1 + i
      const entry: TestEntry = { key, sequence, value: isPut ? Uint8Array.of(sequence) : undefined }
      const bytes = Buffer.of(...key, ...(entry.value ?? nothing))
      const places = [0, key.length, key.length, bytes.length] as const
      if (!this.gaps.isEmpty) this.gaps.insert(sequence, kindOf(entry), bytes, places[0], places[1])
      this.memory.insert(sequence, kindOf(entry), bytes, ...places)
      bytes.fill(0)
      this.all.push(entry)
      this.inMemory.push(entry)
    }
    this.newest = from + operations.length
  }

  flush(): void {
    this.tables.push(this.inMemory)
    this.inMemory = []
    this.memory = new Memtable(1, 1 << 20)
  }

  compact(): void {
    const retention = new Retention([], () => true)
    const merged = new ArrayCursor(this.tables.flat())
    const kept: Array<TestEntry> = []
    const entries = inOrder(this.tables.flat())
    merged.seekToFirst()
    for (const entry of entries) {
      if (retention.keeps(merged)) kept.push(entry)
      merged.next()
    }
    this.tables = [kept]
  }

  reader(sequence: number, within: KeyRange, patience: number): VisibleCursor {
    const sources = [...this.memory.newestCursors(sequence), ...this.tables.map((table) => new ArrayCursor(table))]
    return new VisibleCursor(mergeCursors(sources), sequence, within, { patience }, this.gaps)
  }

  scan(within: KeyRange, reverse: boolean, most: number, back: number): void {
    // Compactions keep nothing for older readers, so those read all that was ever written.
    const sequence = Math.max(0, this.newest - back)
    const cursor =
      back === 0
        ? this.reader(sequence, within, Number.POSITIVE_INFINITY)
        : new VisibleCursor(new ArrayCursor(this.all), sequence, within, {}, this.gaps)
    const found: Array<string | undefined> = []
    if (reverse) cursor.seekToLast()
    else cursor.seekToFirst()
    while (cursor.valid && found.length < most) {
      found.push(shown(cursor))
      if (reverse) cursor.prev()
      else cursor.next()
    }
    this.skipped += cursor.skipped
    const pairs = visibleAt(this.all, sequence, within)
    const expected = (reverse ? pairs.toReversed() : pairs).slice(0, most)
    expect(found).toEqual(expected.map(({ key, value }) => `${hex(key)}=${hex(value)}`))
  }

  openCursor(within: KeyRange, reverse: boolean): void {
    if (this.open.length === 4) this.open.shift()
    const cursor = this.reader(this.newest, within, this.patience)
    const pairs = visibleAt(this.all, this.newest, within)
    const to = (reverse ? pairs.at(-1) : pairs[0])?.key
    const open: Open = { cursor, sequence: this.newest, range: within, at: undefined, to }
    this.open.push(open)
    if (reverse) cursor.seekToLast()
    else cursor.seekToFirst()
    this.verify(open)
  }

  private opened(n: number): Open | undefined {
    return this.open[n % Math.max(1, this.open.length)]
  }

  private pairs({ sequence, range: within }: Open): ReturnType<typeof visibleAt> {
    return visibleAt(this.all, sequence, within)
  }

  private verify(open: Open): void {
    if (open.cursor.unsettled) return
    open.at = open.to
    const pair = this.pairs(open).find(({ key }) => open.at !== undefined && compare(key, open.at) === 0)
    expect(shown(open.cursor)).toBe(pair && `${hex(pair.key)}=${hex(pair.value)}`)
  }

  seek(n: number, key: Uint8Array, before: boolean): void {
    const open = this.opened(n)
    if (open === undefined) return
    // The caller may reuse the bytes of a key at once.
    const own = Buffer.from(key)
    open.cursor.renew()
    if (before) {
      open.to = this.pairs(open).findLast((pair) => compare(pair.key, key) < 0)?.key
      open.cursor.seekBefore(own)
    } else {
      open.to = this.pairs(open).find((pair) => compare(pair.key, key) >= 0)?.key
      open.cursor.seek(own)
    }
    own.fill(0)
    this.verify(open)
  }

  step(n: number, steps: number, reverse: boolean): void {
    const open = this.opened(n)
    if (open === undefined) return
    for (let i = 0; i < steps && open.cursor.valid; i++) {
      const { at } = open
      const pairs = this.pairs(open)
      const index = pairs.findIndex(({ key }) => compare(key, at!) === 0)
      open.to = pairs[reverse ? index - 1 : index + 1]?.key
      open.cursor.renew()
      if (reverse) open.cursor.prev()
      else open.cursor.next()
      this.verify(open)
    }
  }

  turn(n: number, back: boolean): void {
    const open = this.opened(n)
    if (open === undefined || !open.cursor.unsettled) return
    if (back) {
      open.cursor.backTo(open.cursor.cameFrom)
      open.to = open.cursor.cameFrom === undefined ? undefined : open.at
      if (!open.cursor.valid) open.to = undefined
    } else {
      open.cursor.renew()
      open.cursor.goOn()
    }
    this.verify(open)
  }
}

const run = (store: Small, commands: ReadonlyArray<Command>): void => {
  for (const made of commands) {
    if (made.tag === "write") store.write(made.operations)
    else if (made.tag === "scan") store.scan(made.range, made.reverse, made.most, made.back)
    else if (made.tag === "open") store.openCursor(made.range, made.reverse)
    else if (made.tag === "seek") store.seek(made.cursor, made.key, made.before)
    else if (made.tag === "step") store.step(made.cursor, made.steps, made.reverse)
    else if (made.tag === "turn") store.turn(made.cursor, made.back)
    else if (made.tag === "flush") store.flush()
    else store.compact()
  }
}

/** Makes the property hide entries, and shows that it fails. */
const showFault = <K extends "add" | "holding" | "insert">(name: K, mutant: DeletedGaps[K]): void => {
  const real = DeletedGaps.prototype[name]
  try {
    DeletedGaps.prototype[name] = mutant
    expect(() => check(property, 500)).toThrow()
  } finally {
    DeletedGaps.prototype[name] = real
  }
}

const property = FastCheck.property(
  FastCheck.array(command, { maxLength: 60, size: "max" }),
  FastCheck.integer({ min: 1, max: 4 }),
  FastCheck.constantFrom(1, 2, 3, 8),
  (commands, leastPassed, patience) => {
    DeletedGaps.leastPassed = leastPassed
    run(new Small(patience), commands)
  }
)

const keyOf = (n: number): Uint8Array => new Uint8Array(Buffer.from(String(n).padStart(8, "0")))

/** Appends, reads the first key and deletes it. Returns the most entries that a read passed over. */
const queue = (length: number, reads: number, flushEvery: number, reverse: boolean): number => {
  const store = new Small(Number.POSITIVE_INFINITY)
  const nth = (n: number) => keyOf(reverse ? 50_000_000 - n : n)
  for (let n = 0; n < length; n++) store.write([[nth(n), true]])
  let most = 0
  for (let n = 0; n < reads; n++) {
    store.write([[nth(n + length), true]])
    const cursor = store.reader(length + n * 2 + 1, { start: undefined, end: undefined }, Number.POSITIVE_INFINITY)
    if (reverse) cursor.seekToLast()
    else cursor.seekToFirst()
    expect(hex(keyAt(cursor))).toBe(hex(nth(n)))
    most = Math.max(most, cursor.skipped)
    store.write([[nth(n), false]])
    if (n % flushEvery === flushEvery - 1) store.flush()
  }
  return most
}

describe("gaps of deleted entries", () => {
  it("hide nothing from any reader", () => {
    check(property, 1500)
  })

  describe("hide entries, and the property shows it,", () => {
    const { add, holding } = DeletedGaps.prototype

    it("if puts do not cut them", () => {
      showFault("insert", () => undefined)
    })

    it("if a reader at an older sequence number uses one", () => {
      showFault("holding", function (this: DeletedGaps, bytes, start, end) {
        return holding.call(this, bytes, start, end, Number.MAX_SAFE_INTEGER)
      })
    })

    it("if a reader at an older sequence number adds one", () => {
      showFault("add", function (this: DeletedGaps, start, end, _, goesOn) {
        add.call(this, start, end, this["newest"](), goesOn)
      })
    })

    it("if puts since a reader stopped are not watched", () => {
      showFault("add", function (this: DeletedGaps, start, end, sequence, goesOn) {
        if (sequence >= (this["watch"]?.since ?? Number.POSITIVE_INFINITY)) sequence = this["newest"]()
        add.call(this, start, end, sequence, goesOn)
      })
    })
  })

  for (const reverse of [false, true]) {
    it(`keep a queue at the ${reverse ? "end" : "start"} fast: a read passes over few entries`, () => {
      expect(queue(10, 20_000, Number.POSITIVE_INFINITY, reverse)).toBeLessThanOrEqual(2 * usual)
    })
  }

  it("keep a queue fast through flushes", () => {
    expect(queue(10, 1500, 150, false)).toBeLessThanOrEqual(2 * usual)
  })

  it("grow while others write", () => {
    let newest = 10
    const gaps = new DeletedGaps(() => newest)
    const puts = (n: number) => gaps.insert(++newest, EntryKind.value, keyOf(n), 0, 8)
    const holds = (n: number) => gaps.holding(keyOf(n), 0, 8, newest) !== undefined
    gaps.add(keyOf(0), keyOf(10), 10, true)
    puts(50)
    puts(60)
    gaps.add(keyOf(0), keyOf(20), 10, true)
    expect([holds(15), holds(20)]).toEqual([true, false])
    gaps.add(keyOf(0), keyOf(55), 10, true)
    expect(holds(20)).toBe(false)
    gaps.add(keyOf(0), keyOf(50), 9, true)
    expect(holds(20)).toBe(false)
    gaps.add(keyOf(0), keyOf(50), 10, false)
    expect(holds(20)).toBe(true)
    puts(70)
    gaps.add(keyOf(61), keyOf(65), 12, false)
    expect(holds(62)).toBe(false)
  })

  it("are bounded in number and in size", () => {
    let newest = 0
    const gaps = new DeletedGaps(() => newest)
    for (let n = 0; n < 1000; n += 10) gaps.add(keyOf(n), keyOf(n + 5), newest, false)
    const found = () => Array.from({ length: 1000 }, (_, n) => gaps.holding(keyOf(n), 0, 8, newest)).filter(Boolean)
    expect(found()).toHaveLength(16 * 5)
    for (let n = 0; n < 1000; n += 3) gaps.insert(++newest, EntryKind.value, keyOf(n), 0, 8)
    expect(new Set(found()).size).toBeLessThanOrEqual(16)
    const none = new DeletedGaps(() => 0)
    none.add(nothing, new Uint8Array(2000), 0, false)
    expect(none.isEmpty).toBe(true)
  })

  it("grow instead of multiplying, are cut by puts, and not by deletes", () => {
    const gaps = new DeletedGaps(() => 7)
    const number = (key: Uint8Array) => Number(Buffer.from(key).toString().replace("\0", ".5"))
    const text = (gap: { readonly start: Uint8Array; readonly end: Uint8Array } | undefined) =>
      gap && [number(gap.start), number(gap.end)]
    const at = (n: number, sequence = 7) => text(gaps.holding(keyOf(n), 0, 8, sequence))
    gaps.add(keyOf(10), keyOf(20), 7, false)
    gaps.add(keyOf(20), keyOf(30), 7, false)
    gaps.add(keyOf(5), keyOf(12), 7, false)
    expect([at(4), at(5), at(29), at(30)]).toEqual([undefined, [5, 30], [5, 30], undefined])
    expect([at(5, 6), at(5, 8)]).toEqual([undefined, [5, 30]])
    gaps.add(keyOf(1), keyOf(3), 6, false)
    expect(at(1)).toBeUndefined()
    gaps.insert(8, EntryKind.deletion, keyOf(15), 0, 8)
    expect(at(15)).toEqual([5, 30])
    gaps.insert(8, EntryKind.value, keyOf(15), 0, 8)
    expect([at(14), at(15), at(16)]).toEqual([[5, 15], undefined, [15.5, 30]])
    expect(text(gaps.below(keyOf(15), 0, 8, 7))).toEqual([5, 15])
    expect(text(gaps.below(keyOf(5), 0, 8, 7))).toBeUndefined()
    expect(text(gaps.below(keyOf(30), 0, 8, 7))).toEqual([15.5, 30])
  })
})
