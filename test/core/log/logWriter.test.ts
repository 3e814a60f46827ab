import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { checksum, placeSeed } from "../../../src/core/bytes/checksum.js"
import { readU32 } from "../../../src/core/bytes/encoding.js"
import { SegmentReader } from "../../../src/core/log/logSegment.js"
import { CommitMode } from "../../../src/core/log/logWriter.js"
import { LogHarness, microtasks, replay, salt, storeId, valuesOf } from "../../support/logHarness.js"
import { checkAsync } from "../../support/property.js"

type Step =
  | { readonly step: "commit"; readonly durability: number; readonly size: number; readonly alone: boolean }
  | { readonly step: "sync" | "rotate" | "rotate when settled" | "microtasks" | "end sync" | "cut" }
  | { readonly step: "fail a sync" | "fail an append" | "fail a sync at once" | "fail a close" }
  | { readonly step: "throw"; readonly hook: "apply" | "settled" | "synced" }

const commit = FastCheck.tuple(
  FastCheck.constantFrom(CommitMode.sync, CommitMode.buffered, CommitMode.interval),
  FastCheck.oneof(
    { weight: 40, arbitrary: FastCheck.nat(40) },
    { weight: 1, arbitrary: FastCheck.constantFrom(70_000, 140_000) }
  ),
  FastCheck.boolean()
).map(([durability, size, alone]): Step => ({ step: "commit", durability, size, alone }))

const other = FastCheck.constantFrom<Step>(
  { step: "sync" },
  { step: "rotate" },
  { step: "rotate when settled" },
  { step: "microtasks" },
  { step: "microtasks" },
  { step: "end sync" },
  { step: "end sync" },
  { step: "cut" }
)

const steps = FastCheck.array(FastCheck.oneof(commit, other), { maxLength: 40, size: "max" })

const failingSteps = FastCheck.tuple(
  steps,
  FastCheck.constantFrom<Step>(
    { step: "fail a sync" },
    { step: "fail an append" },
    { step: "fail a sync at once" },
    { step: "fail a close" },
    { step: "throw", hook: "apply" },
    { step: "throw", hook: "settled" },
    { step: "throw", hook: "synced" }
  ),
  steps
).map(([before, failure, after]): ReadonlyArray<Step> => [...before, failure, ...after])

/** Tracks what has been promised, and checks what a power cut at any moment leaves. */
class Promises {
  /** Records up to here must survive a power cut. */
  durable = 0
  /** Records up to here must survive the end of the process. */
  written = 0
  syncs: Array<{ readonly committed: number; outcomes: number }> = []

  constructor(
    readonly log: LogHarness,
    private readonly chance: () => number
  ) {
    log.onDone = (record, failure) => {
      if (failure !== undefined) return
      const durability = this.durabilities[record]!
      if (durability !== CommitMode.interval) this.written = Math.max(this.written, record + 1)
      if (durability === CommitMode.sync) this.durable = Math.max(this.durable, record + 1)
      this.check()
    }
  }
  readonly durabilities: Array<number> = []

  sync(): void {
    const { committed } = this.log
    const entry = { committed, outcomes: 0 }
    this.syncs.push(entry)
    this.log.writer.sync((failure) => {
      entry.outcomes++
      if (failure === undefined) this.durable = Math.max(this.durable, committed)
      this.check()
    })
  }

  /**
   * The log is a prefix of what was committed, with everything promised, after each kind of crash.
   */
  check(): void {
    const { log } = this
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
    expect(log.applied).toEqual(numbers(log.applied.length))
    const least = replay(log.image((file) => file.syncedSize)).records
    expect(least).toEqual(numbers(least.length))
    expect(least.length).toBeGreaterThanOrEqual(this.durable)
    const cut = replay(
      log.image((file) => file.syncedSize + Math.floor(this.chance() * (file.bytes.length - file.syncedSize + 1)))
    ).records
    expect(cut).toEqual(numbers(cut.length))
    expect(cut.length).toBeGreaterThanOrEqual(this.durable)
    const all = replay(log.image()).records
    expect(all).toEqual(numbers(all.length))
    expect(all.length).toBeGreaterThanOrEqual(this.written)
  }
}

/** The places of values are those in the rotated segments, and their checksums too. */
const checkPlaces = (log: LogHarness): void => {
  for (const [i, places] of log.places.entries()) {
    const [fileNumber, { bytes }] = log.segments[i]!
    expect([places.segment, places.size, places.isComplete]).toEqual([fileNumber, bytes.length, true])
    const segment = new SegmentReader("log", fileNumber, bytes, storeId)
    for (let frame = segment.next(); frame !== undefined; frame = segment.next()) {
      const { payloadEnd, payloadStart } = frame
      const record = readU32(bytes, payloadStart)
      for (const [n, [start, end]] of valuesOf(payloadEnd - payloadStart - 4).entries()) {
        const index = places.indexOf(record * 2 + n)
        const offset = places.offsetAt(index)
        expect(offset).toBe(payloadStart + start)
        const crc = checksum(bytes, offset, payloadStart + end, placeSeed(salt, fileNumber, offset))
        expect(places.checksumAt(index)).toBe(crc)
      }
    }
  }
}

const run = async (plan: ReadonlyArray<Step>, seed: number, isShort: boolean): Promise<Promises> => {
  const log = new LogHarness(undefined, isShort)
  let state = seed
  const promises = new Promises(log, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  })
  for (const step of plan) {
    if (step.step === "commit") {
      promises.durabilities.push(step.durability)
      log.commit(step.durability, step.size, step.alone)
    } else if (step.step === "sync") promises.sync()
    else if (step.step === "rotate") log.rotate()
    else if (step.step === "rotate when settled") log.rotationWanted = true
    else if (step.step === "microtasks") await microtasks()
    else if (step.step === "end sync") log.endSync()
    else if (step.step === "cut") promises.check()
    else if (step.step === "fail an append") log.current.failAppends = true
    else if (step.step === "fail a sync at once") log.current.failSyncNow = "EIO"
    else if (step.step === "fail a close") log.current.failClose = true
    else if (step.step === "throw") log.throwing = step.hook
    else if (!log.endSync("EIO")) {
      promises.sync()
      await microtasks()
      log.endSync("EIO")
    }
    expect(log.segments.reduce((n, [, { syncsUnderWay }]) => n + syncsUnderWay, 0)).toBeLessThanOrEqual(1)
  }
  await log.settle()
  return promises
}

/**
 * How often a thousand commits in sequence yield to the event loop. Each commit must call `done`.
 */
const turnsOf = async (log: LogHarness, commit: (n: number, done: () => void) => void): Promise<number> => {
  let turns = 0
  for (let n = 0; n < 1000; n++) {
    let isDone = false
    commit(n, () => {
      isDone = true
    })
    await microtasks()
    if (!isDone) {
      turns++
      log.endSync()
    }
    expect(isDone).toBe(true)
  }
  return turns
}

/** Commits a buffered record and waits for a sync. */
const syncBuffered = (log: LogHarness, done: () => void): void => {
  log.commit(CommitMode.buffered)
  log.writer.sync(done)
}

describe("the log writer", () => {
  it("keeps its promises in every order of commits, syncs and rotations", () =>
    checkAsync(
      FastCheck.asyncProperty(steps, FastCheck.nat(), FastCheck.boolean(), async (plan, seed, isShort) => {
        const promises = await run(plan, seed, isShort)
        const { log } = promises
        expect(log.failures).toEqual([])
        expect(log.applied.length).toBe(log.committed)
        for (const outcomes of log.outcomes.values()) expect(outcomes).toEqual([undefined])
        for (const { outcomes } of promises.syncs) expect(outcomes).toBe(1)
        promises.sync()
        await log.settle()
        expect(promises.durable).toBe(log.committed)
        promises.check()
        checkPlaces(log)
        let closed = 0
        log.writer.close((failure) => {
          expect(failure).toBeUndefined()
          closed++
        })
        await log.settle()
        expect(closed).toBe(1)
        expect(log.segments.every(([, { closed: released }]) => released)).toBe(true)
        expect(replay(log.image((file) => file.syncedSize)).records.length).toBe(log.committed)
      }),
      120
    ))

  it("accepts nothing after a failure, and reports it once to each caller", () =>
    checkAsync(
      FastCheck.asyncProperty(failingSteps, FastCheck.nat(), FastCheck.boolean(), async (plan, seed, isShort) => {
        const promises = await run(plan, seed, isShort)
        const { log } = promises
        log.current.failAppends = true
        promises.durabilities.push(CommitMode.sync)
        log.commit(CommitMode.sync, 1)
        await log.settle()
        expect(log.failures.length).toBe(1)
        expect(log.writer.failure).toBe(log.failures[0])
        const { applied } = log
        const before = applied.length
        for (const durability of [CommitMode.sync, CommitMode.buffered, CommitMode.interval]) {
          promises.durabilities.push(durability)
          log.commit(durability)
        }
        promises.sync()
        await log.settle()
        expect(applied.length).toBe(before)
        for (const [record, outcomes] of log.outcomes) {
          expect(outcomes).toEqual([record < before ? undefined : log.failures[0]])
        }
        for (const { outcomes } of promises.syncs) expect(outcomes).toBe(1)
        log.writer.abandon()
        expect(log.segments.every(([, { closed }]) => closed)).toBe(true)
        promises.check()
        // The files were sound, so applied records are in the log even if only promised for later.
        if (log.failures[0]!.message.startsWith("apply ")) {
          expect(replay(log.image()).records.length).toBeGreaterThanOrEqual(before)
        }
      }),
      200
    ))

  it("forgets the values of a record that was never committed", () => {
    const log = new LogHarness()
    const at = log.writer.reserve(4 + 10)
    log.writer.mark(at + 4, at + 14, 7)
    log.commit(CommitMode.buffered, 10)
    log.rotate()
    checkPlaces(log)
    const [places] = log.places
    expect(places!.indexOf(1)).toBe(1)
    for (const sequence of [2, 7, -1]) expect(() => places!.indexOf(sequence)).toThrow()
  })

  it("shares one sync among all records that arrive while another sync is under way", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.sync)
    await microtasks()
    for (let i = 0; i < 100; i++) log.commit(CommitMode.sync)
    expect(log.applied).toEqual([])
    log.endSync()
    expect(log.applied).toEqual([0])
    await microtasks()
    log.endSync()
    expect(log.applied.length).toBe(101)
    expect(log.endSync()).toBe(false)
  })

  it("syncs the record of a lone writer at once, and yields to the event loop from time to time", async () => {
    const log = new LogHarness(undefined, true)
    for (let i = 0; i < 3; i++) log.commit(CommitMode.sync, 0, true)
    expect([log.applied.length, log.syncedRecords, log.current.syncsUnderWay]).toEqual([3, 3, 0])
    expect(log.writer.unsyncedBytes).toBe(0)
    log.commit(CommitMode.interval)
    log.commit(CommitMode.sync, 0, true)
    expect([log.applied.length, log.syncedRecords]).toEqual([5, 5])
    // Four syncs have blocked the thread for longer than allowed.
    log.commit(CommitMode.sync, 0, true)
    expect(log.applied.length).toBe(5)
    await microtasks()
    expect([log.applied.length, log.current.syncsUnderWay]).toEqual([5, 1])
    await log.settle()
    log.commit(CommitMode.sync, 0, true)
    expect(log.applied.length).toBe(7)
  })

  it("syncs groups at once too, and yields to the event loop from time to time", async () => {
    for (const [size, groups] of [
      [2, 4],
      [64, 1]
    ] as const) {
      const log = new LogHarness(undefined, true)
      const commitGroup = async () => {
        for (let i = 0; i < size; i++) log.commit(CommitMode.sync)
        await microtasks()
      }
      for (let n = 1; n <= groups; n++) {
        await commitGroup()
        expect([log.applied.length, log.syncedRecords, log.current.syncsUnderWay]).toEqual([n * size, n * size, 0])
      }
      // Four syncs have blocked the thread for longer than allowed. One group of many records has
      // too, however short its sync.
      await commitGroup()
      expect([log.applied.length, log.current.syncsUnderWay]).toEqual([groups * size, 1])
      await log.settle()
      await commitGroup()
      expect([log.applied.length, log.current.syncsUnderWay]).toEqual([(groups + 2) * size, 0])
    }
  })

  it("yields to the event loop while records are committed or synced in sequence", async () => {
    const log = new LogHarness(undefined, true)
    const turns = await turnsOf(log, (n, done) => {
      log.onDone = n % 2 === 0 ? done : () => undefined
      if (n % 2 === 0) log.commit(CommitMode.sync, 0, true)
      else syncBuffered(log, done)
    })
    expect(turns).toBeGreaterThan(150)
    expect(log.applied.length).toBe(1000)
  })

  it("yields to the event loop from time to time even if syncs take no time", async () => {
    const log = new LogHarness(undefined, true)
    log.current.syncMillis = 0
    expect(await turnsOf(log, (_, done) => syncBuffered(log, done))).toBeGreaterThan(10)
  })

  it("syncs nothing at once while others wait, or if others are expected", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.sync)
    log.commit(CommitMode.sync, 0, true)
    expect(log.applied).toEqual([])
    await microtasks()
    log.current.isShort = true
    log.commit(CommitMode.sync, 0, true)
    expect(log.applied).toEqual([])
    await log.settle()
    expect(log.applied).toEqual([0, 1, 2])
    log.commit(CommitMode.buffered)
    log.current.isShort = false
    log.writer.sync(() => undefined)
    await microtasks()
    log.current.isShort = true
    log.commit(CommitMode.sync, 0, true)
    expect([log.applied.length, log.current.syncsUnderWay]).toEqual([4, 1])
    await log.settle()
    log.commit(CommitMode.sync, 2 * 1024 * 1024, true)
    expect(log.applied.length).toBe(5)
    await log.settle()
    expect(log.failures).toEqual([])
  })

  it("applies a record that needs no sync at once, but not before one that does", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.buffered)
    log.commit(CommitMode.interval)
    expect(log.applied).toEqual([0, 1])
    log.commit(CommitMode.sync)
    log.commit(CommitMode.buffered)
    log.commit(CommitMode.interval)
    expect(log.applied).toEqual([0, 1])
    await log.settle()
    expect(log.applied).toEqual([0, 1, 2, 3, 4])
  })

  it("ends a sync that was requested just before a buffered record", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.buffered)
    const outcomes: Array<Error | undefined> = []
    log.writer.sync((failure) => outcomes.push(failure))
    log.commit(CommitMode.buffered)
    await log.settle()
    expect(outcomes).toEqual([undefined])
  })

  it("syncs a rotated segment once, and closes it when the sync has ended", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.sync)
    await microtasks()
    log.commit(CommitMode.buffered)
    log.endSync()
    log.rotationWanted = true
    await microtasks()
    expect(log.segments.length).toBe(2)
    const [, first] = log.segments[0]!
    expect([first.syncsUnderWay, first.closed]).toEqual([1, false])
    first.endSync()
    expect([first.syncsUnderWay, first.closed]).toEqual([0, true])
    await log.settle()
    expect(log.failures).toEqual([])
  })

  it("does not close a segment while a sync of it is under way", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.sync)
    await microtasks()
    log.writer.sync(() => undefined)
    log.endSync()
    await microtasks()
    log.rotate()
    await log.settle()
    expect(log.failures).toEqual([])
  })

  it("calls back when a rotated segment is synced, at once if it is, and once", async () => {
    const log = new LogHarness()
    log.commit(CommitMode.buffered)
    log.rotate()
    log.commit(CommitMode.buffered)
    log.rotate()
    const [first, second] = log.segments.map(([number]) => number)
    const outcomes: Array<readonly [number, Error | undefined]> = []
    const wait = (segment: number) => log.writer.whenSynced(segment, (failure) => outcomes.push([segment, failure]))
    wait(second!)
    wait(first!)
    expect(outcomes).toEqual([])
    log.segments[0]![1].endSync()
    expect(outcomes).toEqual([[first, undefined]])
    await log.settle()
    expect(outcomes).toEqual([
      [first, undefined],
      [second, undefined]
    ])
    wait(first!)
    expect(outcomes.length).toBe(3)
    expect(outcomes[2]).toEqual([first, undefined])
  })

  it("tells who waits for a rotated segment that its sync has failed", () => {
    const log = new LogHarness()
    log.commit(CommitMode.buffered)
    log.rotate()
    const outcomes: Array<Error | undefined> = []
    const wait = () => log.writer.whenSynced(log.segments[0]![0], (failure) => outcomes.push(failure))
    wait()
    log.segments[0]![1].endSync("EIO")
    wait()
    expect(outcomes).toEqual([log.writer.failure, log.writer.failure])
    expect(log.writer.failure).toBeDefined()
  })
})
