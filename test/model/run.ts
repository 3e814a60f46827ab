import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type LsmError, type LsmOptions, type Storage, type Store, WriteBatch } from "effect-lsm"
import { DeletedGaps } from "../../src/core/cursor/deletedGaps.js"
import { fileHeaderSize } from "../../src/core/storage/fileHeader.js"
import { turn } from "../support/eventually.js"
import { interruption, isInterrupted } from "../support/interruption.js"
import { openStore } from "../support/openStore.js"
import type { SimulatedClock } from "../support/simulated.js"
import { registeredMetrics } from "../support/telemetry.js"
import type { Change, Command, CommandOf } from "./commands.js"
import { configurations, usualGaps } from "./configurations.js"
import type { Content, Write } from "./content.js"
import { FeedReader } from "./feed.js"
import { Machine } from "./machine.js"
import { Model, type Survivors } from "./model.js"
import { Positions } from "./positions.js"
import { answerOf, type Question, showAll, type View } from "./questions.js"
import { bytes, bytesOf, mismatch, rangeOf, show } from "./text.js"
import type { TypedRows } from "./typedRows.js"
import { addTo, askWithin, isOperation, type Way, writeBy } from "./ways.js"

const durabilities = { sync: "sync", buffered: "buffered", interval: { interval: "20 millis" } } as const
type DurabilityName = keyof typeof durabilities

/** A snapshot, and the content that it must show. */
interface Held {
  readonly scope: Scope.CloseableScope
  readonly of: Store.Snapshot
  readonly view: View
}

/** A store on a simulated machine, and the model that it must agree with after each command. */
export class Run {
  private readonly model = new Model()
  private machine: Machine
  private scope: Scope.CloseableScope | undefined
  private store!: Store.Store
  private snapshots: Array<Held> = []
  private readonly positions = new Positions()
  private readonly reader = new FeedReader()
  /** Whether nothing of the history can have been lost since the reader read last. */
  private keepsHistory = true
  private sequence = 0
  /** Frozen memtables after opening. Recovery fills as many as the log needs. */
  private frozenAtOpening = 0
  /** Whether the last session left nothing for the next one to clean up. */
  private leftTidy = true

  constructor(
    private readonly clock: SimulatedClock,
    random: () => number,
    private configuration: number,
    /** Receives the results, in the order of the commands. */
    private readonly results: Array<string>,
    private readonly directory = "/store",
    storage?: Storage.StorageService,
    /** Runs the commands for typed rows. They are left out without it. */
    private readonly rows?: TypedRows
  ) {
    this.machine = new Machine(random, directory, new Map(), storage)
  }

  private get options(): LsmOptions.LsmOptions {
    const kept = this.hasHistory ? { changeRetention: { bytes: Number.POSITIVE_INFINITY } } : {}
    return { ...configurations[this.configuration]!.tuning, ...kept, directory: this.directory, name: "model" }
  }

  /** Two of three configurations keep their history. */
  private get hasHistory(): boolean {
    return this.configuration % 3 !== 0
  }

  private get openStore(): Effect.Effect<Store.Store, LsmError.OpenError, Scope.Scope> {
    return Effect.suspend(() => {
      DeletedGaps.leastPassed = configurations[this.configuration]!.gapsOf ?? usualGaps
      return openStore(this.machine.storage, this.options)
    })
  }

  get start(): Effect.Effect<void> {
    return Effect.zipRight(this.boot({ made: 0, certain: 0 }), this.rows?.start ?? Effect.void)
  }

  /**
   * Reads everything, closes the store and opens it again. All must be there, with nothing left
   * over.
   */
  get end(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (!this.machine.isSound) yield* this.heal({ patient: false, reopen: true })
      yield* this.compareAll
      yield* this.feed
      yield* this.reopen(undefined)
      yield* this.forget
      yield* this.close
      if (this.rows !== undefined) yield* this.rows.end
    })
  }

  perform(command: Command): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.model.tidy()
      switch (command._tag) {
        case "Rows":
          return this.rows?.perform(command.command) ?? Effect.void
        case "Put":
        case "Delete":
        case "DeleteRange":
        case "Batch":
        case "Flush":
        case "Compact":
        case "Sync":
          return this.change(command)
        case "Get":
        case "GetMany":
        case "Scan":
        case "Count":
          return this.ask(command, command.from)
        case "Within":
          return this.askWithin(command)
        case "ScanDuring":
          return this.scanDuring(command)
        case "OpenCursor":
          return this.openCursor(command)
        case "Steer":
          return this.guard(this.positions.steer(command.steps), (result) => this.results.push(result))
        case "Hot":
          return Effect.forEach(
            command.values,
            (written) =>
              written === undefined
                ? this.change({ _tag: "Delete", key: command.key, durability: "buffered", way: undefined })
                : this.change({
                    _tag: "Put",
                    key: command.key,
                    value: written,
                    durability: "buffered",
                    way: undefined,
                    ttl: undefined
                  }),
            { discard: true }
          )
        case "Stretch":
          return this.stretch(command)
        case "Feed":
          return this.feed
        case "IllFormed":
          return this.refuse(command)
        case "Snapshot":
          return this.snapshot(command.unsafe)
        case "Release":
          return Effect.suspend(() => {
            const held = this.snapshots.shift()
            return held === undefined ? Effect.void : Scope.close(held.scope, Exit.void)
          })
        case "CompactAll":
          return this.compactAll
        case "Approximate":
          return this.approximate(command)
        case "Stats":
          return this.stats
        case "Wait":
          return this.wait(command.millis)
        case "Reopen":
          return this.reopen(command.configuration)
        case "Fault":
          return Effect.sync(() => {
            this.keepsHistory = false
            this.machine.fault(command)
          })
        case "Heal":
          return this.heal(command)
        case "Interrupt":
          return this.interrupt(command)
        case "Crash":
          return this.crash(command)
      }
    })
  }

  // ---------------------------------------------------------------------------------------------------- writing

  private change(command: Change): Effect.Effect<void> {
    const { store } = this
    switch (command._tag) {
      case "Put": {
        const { key, ttl, value } = command
        const written: Write = [key, this.valueOf(value, ttl)]
        return this.write([written], command, (options) => store.put(bytes(key), value, { ...options, ttl }))
      }
      case "Delete":
        return this.write([[command.key, undefined]], command, (options) => store.delete(bytes(command.key), options))
      case "DeleteRange": {
        const { end, key } = command
        return this.write([[key, { end }]], command, (options) =>
          store.deleteRange({ start: bytes(key), end: bytesOf(end) }, options)
        )
      }
      case "Batch": {
        const batch = WriteBatch.make()
        const writes = this.timed(command.writes)
        for (const write of writes) addTo(batch, write)
        return this.write(writes, command, (options) => store.write(batch, options))
      }
      case "Flush":
        return this.keep(store.flush)
      case "Sync":
        return this.keep(Effect.tap(store.sync, () => Effect.sync(() => this.model.settle())))
      case "Compact": {
        const { start, end } = command
        const work = store.compact({ start: bytesOf(start), end: bytesOf(end) })
        return start !== undefined && end !== undefined && start >= end ? this.guard(work) : this.keep(work)
      }
    }
  }

  private valueOf(value: string, ttl: number | undefined): Write[1] {
    return ttl === undefined ? value : { value, expiresAt: this.clock.time + ttl }
  }

  private timed(writes: CommandOf<"Batch">["writes"]): ReadonlyArray<Write> {
    return writes.map(([key, value]) => {
      const isExpiring = typeof value === "object" && value !== null && "value" in value
      return [key, isExpiring ? this.valueOf(value.value, value.ttl) : value]
    })
  }

  /** What readers may see now. */
  private get view(): View {
    const { time } = this.clock
    return {
      candidates: this.model.candidates.map((content) => content.at(time)),
      observe: (explains) => this.model.observe((content) => explains(content.at(time)))
    }
  }

  private write(
    writes: ReadonlyArray<Write>,
    { durability, way }: { readonly durability: DurabilityName | undefined; readonly way: Way | undefined },
    plain: (options: Store.WriteOptions) => Effect.Effect<void, LsmError.WriteError>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { model } = this
      const attempt = model.begin(writes)
      const options = { durability: durability === undefined ? undefined : durabilities[durability] }
      const run = way === undefined ? plain(options) : writeBy(way, this.store, writes, options)
      return run.pipe(
        Effect.matchEffect({
          onSuccess: () =>
            Effect.sync(() => {
              // An empty batch leaves no record in the log, and an empty range is no operation.
              if (writes.some(isOperation)) model.acknowledge(attempt, durability ?? this.usualDurability)
              else model.fail(attempt, false)
            }),
          onFailure: (error) =>
            Effect.gen(this, function* () {
              yield* this.excuse(error)
              const { poisoned } = yield* Effect.orDie(this.store.stats)
              if (poisoned !== undefined) model.logFailed = true
              // The write did not reach the log, unless the log failed with it.
              model.fail(attempt, error._tag !== "StorePoisoned" && poisoned !== undefined)
            })
        }),
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            if (attempt.fate === "unknown") model.interrupt(attempt)
          })
        )
      )
    })
  }

  private get usualDurability(): DurabilityName {
    const { durability = "sync" } = configurations[this.configuration]!.tuning
    return typeof durability === "string" ? durability : "interval"
  }

  /** Runs work that makes earlier acknowledged writes durable. */
  private keep(work: Effect.Effect<void, LsmError.WriteError>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { made } = this.model
      return this.guard(work, () => this.model.synced(made))
    })
  }

  private get compactAll(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { made } = this.model
      let done = false
      yield* this.guard(this.store.compact(), () => {
        done = true
        this.model.synced(made)
      })
      if (!done || !this.model.isKnown || this.snapshots.length > 0) return
      const { size } = this.view.candidates[0]!
      const { amplification, levels, tableBytes, valueFiles } = yield* Effect.orDie(this.store.stats)
      const live = tableBytes + valueFiles.liveBytes
      const space = tableBytes === 0 ? 0 : (tableBytes + valueFiles.bytes) / live
      if (valueFiles.bytes - valueFiles.count * fileHeaderSize > valueFiles.liveBytes * 1.5) {
        yield* mismatch("garbage in value files", show(valueFiles), [])
      }
      if (amplification.space !== space) yield* mismatch("space amplification", show(amplification), [show({ space })])
      const entries = levels.reduce((n, level) => n + level.entries, 0)
      const deletions = levels.reduce((n, level) => n + level.deletions, 0)
      const counted = yield* Effect.orDie(this.store.approximateCount())
      const found = show({ entries, deletions, counted, bytes: yield* Effect.orDie(this.store.approximateSize()) })
      const due = show({ entries: size, deletions: 0, counted: size, bytes: live })
      if (found !== due) yield* mismatch("after a compaction of everything", found, [due])
    })
  }

  // ---------------------------------------------------------------------------------------------------- reading

  private ask(question: Question, from: "now" | "snapshot"): Effect.Effect<void> {
    const oldest = from === "snapshot" ? this.snapshots[0] : undefined
    const { ask, expect } = answerOf(question, this.store, oldest?.of)
    const view = oldest?.view ?? this.view
    return this.guard(Effect.suspend(ask), (found) => {
      this.results.push(found)
      if (view.observe((content) => expect(content) === found)) return
      return mismatch(show(question), found, view.candidates.map(expect))
    })
  }

  /** Asks in a transaction, which sees its own writes over the store. */
  private askWithin({ writes, question }: CommandOf<"Within">): Effect.Effect<void> {
    const own = this.timed(writes)
    const { view } = this
    const expect = (content: Content) => answerOf(question, this.store, undefined).expect(content.after(own))
    const ask = askWithin(this.store, own, (reader) => answerOf(question, reader, undefined).ask())
    return this.guard(ask, (found) => {
      this.results.push(found)
      if (view.observe((content) => expect(content) === found)) return
      return mismatch(`${show(writes)} then ${show(question)}`, found, view.candidates.map(expect))
    })
  }

  /**
   * Reads the store to rule out all candidates but one. Returns false if disk faults prevent that.
   */
  private get known(): Effect.Effect<boolean> {
    return Effect.gen(this, function* () {
      if (this.model.isKnown && this.model.unknownCount === 0) return true
      yield* this.pass(0)
      this.model.settle()
      yield* this.ask(everything, "now")
      return this.model.isKnown
    })
  }

  private get compareAll(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      yield* this.known
      for (const from of ["now", "snapshot"] as const) {
        yield* this.ask(everything, from)
        yield* this.ask({ ...everything, reverse: true }, from)
      }
    })
  }

  private stretch({ cuts, first, flushes, length, puts, reverse }: CommandOf<"Stretch">): Effect.Effect<void> {
    const keyAt = (n: number): string => `6b${n.toString(16).padStart(2, "0")}`
    const plain = { durability: "buffered", way: undefined } as const
    const flush: Change = { _tag: "Flush" }
    const changes: ReadonlyArray<Change> = [
      ...Array.from({ length }, (_, i): Change => ({ _tag: "Delete", key: keyAt(first + i), ...plain })),
      ...(flushes ? [flush] : [])
    ]
    const later: ReadonlyArray<Change> = [
      ...puts.map((n): Change => ({ _tag: "Put", key: keyAt(n), value: "live", ttl: undefined, ...plain })),
      ...(flushes ? [flush] : [])
    ]
    const all = (backward: boolean) => this.ask({ ...everything, reverse: backward }, "now")
    return Effect.gen(this, function* () {
      for (const change of changes) yield* this.change(change)
      yield* all(reverse)
      for (const change of later) yield* this.change(change)
      for (const cut of cuts) yield* this.ask({ ...everything, start: keyAt(cut), reverse: true }, "now")
      for (const cut of cuts) yield* this.ask({ ...everything, end: keyAt(cut) }, "now")
      yield* all(!reverse)
      yield* all(reverse)
    })
  }

  /** Reads what the feed has since the last time, and compares what that leads to with the store. */
  private get feed(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (!(yield* this.known)) return
      const { made } = this.model
      yield* this.guard(this.reader.read(this.store, this.keepsHistory), () => {
        this.model.synced(made)
        const { time } = this.clock
        const found = this.reader.at(time)
        const due = this.view.candidates.map(showAll)
        this.keepsHistory = this.hasHistory
        return due.includes(found) ? undefined : mismatch("the feed of changes", found, due)
      })
    })
  }

  /** Strings without a UTF-8 form are refused everywhere. The next read would show a write. */
  private refuse({ key, text }: CommandOf<"IllFormed">): Effect.Effect<void> {
    const { store } = this
    const uses: ReadonlyArray<Effect.Effect<unknown, LsmError.WriteError, Scope.Scope>> = [
      store.put(text, "v"),
      store.put(bytes(key), text),
      store.delete(text),
      store.write(WriteBatch.make().put(bytes(key), "v").delete(text)),
      store.get(text),
      store.has(text),
      store.count({ start: text }),
      store.cursor({ end: text })
    ]
    return Effect.forEach(
      uses,
      (use, i) =>
        Effect.flatMap(tagOf(Effect.scoped(use)), (found) => {
          const isDue = found === "InvalidArgument" || (found === "StorePoisoned" && i < 4)
          return isDue ? Effect.void : mismatch(`use ${i} of a string without a UTF-8 form`, found, ["InvalidArgument"])
        }),
      { discard: true }
    )
  }

  private snapshot(unsafe: boolean): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (!(yield* this.known)) return
      const scope = yield* Scope.make()
      const byHand = Effect.acquireRelease(
        Effect.sync(() => this.store.unsafeSnapshot()),
        ({ close }) => Effect.sync(close)
      )
      const taken: Effect.Effect<Store.Snapshot, LsmError.ReadError, Scope.Scope> = unsafe
        ? byHand
        : this.store.snapshot
      const of = yield* Effect.orDie(Scope.extend(taken, scope))
      const content = this.view.candidates[0]!
      this.snapshots.push({ scope, of, view: { candidates: [content], observe: (explains) => explains(content) } })
    })
  }

  private openCursor(command: CommandOf<"OpenCursor">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (!(yield* this.known)) return
      const oldest = command.from === "snapshot" ? this.snapshots[0] : undefined
      const { candidates } = oldest?.view ?? this.view
      const { keysOnly, unsafe } = command
      const options = { ...rangeOf(command), snapshot: oldest?.of, keysOnly }
      yield* this.guard(this.positions.open(this.store, options, candidates[0]!.rows(command), unsafe))
    })
  }

  private scanDuring({ scan, changes }: CommandOf<"ScanDuring">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (!(yield* this.known)) return
      const left = [...changes]
      const step = Effect.suspend(() => {
        const next = left.shift()
        return next === undefined ? Effect.void : this.change(next)
      })
      const oldest = scan.from === "snapshot" ? this.snapshots[0] : undefined
      const { ask, expect } = answerOf({ ...scan, chunkSize: 1 }, this.store, oldest?.of, step)
      const due = expect((oldest?.view ?? this.view).candidates[0]!)
      yield* this.guard(ask(), (found) => {
        this.results.push(found)
        return found === due ? undefined : mismatch("a scan with changes in between", found, [due])
      })
    })
  }

  private approximate(command: CommandOf<"Approximate">): Effect.Effect<void> {
    const { store } = this
    const read = Effect.zip(
      Effect.zip(store.approximateCount(rangeOf(command)), store.approximateSize(rangeOf(command))),
      store.stats
    )
    return this.guard(read, ([[count, size], { tableBytes, valueFiles }]) => {
      const most = tableBytes + valueFiles.liveBytes
      const fits = Number.isInteger(count) && count >= 0 && Number.isInteger(size) && size >= 0 && size <= most
      return fits ? undefined : mismatch("an approximation", show({ count, size }), [`at most ${most} bytes`])
    })
  }

  private get stats(): Effect.Effect<void> {
    return this.guard(Effect.zip(this.store.stats, this.store.prometheus), ([stats, text]) => {
      const { levels, memory, poisoned, sequence, snapshots, tables } = stats
      const { maxFrozenMemtables = 4 } = configurations[this.configuration]!.tuning
      const holds =
        sequence >= this.sequence &&
        snapshots === this.snapshots.length &&
        tables === levels.reduce((n, level) => n + level.tables, 0) &&
        memory.frozenCount <= Math.max(maxFrozenMemtables, this.frozenAtOpening) &&
        (poisoned === undefined || this.machine.excusesPoison) &&
        text.includes("lsm_") &&
        metricsOf("model").get("lsm_level_tables") === tables &&
        metricsOf("model").get("lsm_level_bytes") === stats.tableBytes &&
        metricsOf("model").get("lsm_value_files") === stats.valueFiles.count &&
        metricsOf("model").get("lsm_value_bytes") === stats.valueFiles.bytes &&
        metricsOf("model").get("lsm_value_live_bytes") === stats.valueFiles.liveBytes &&
        stats.valueFiles.liveBytes <= stats.valueFiles.bytes &&
        metricsOf("model").get("lsm_memtable_bytes") === memory.activeMemtable + memory.frozenMemtables
      this.sequence = sequence
      return holds ? undefined : mismatch("stats", show(stats), [])
    })
  }

  /** Lets time pass. Writes that wait for an interval are synced. */
  private wait(millis: number): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      yield* this.pass(millis)
      if (millis >= longestInterval && this.machine.isSound) this.model.intervalsEnded()
    })
  }

  /** Waits until fibers are at rest, lets time pass, and waits for the work that this starts. */
  private pass(millis: number): Effect.Effect<void> {
    const rest = Effect.zipRight(turn, turn)
    return rest.pipe(Effect.zipRight(Effect.sync(() => this.clock.advance(millis))), Effect.zipRight(rest))
  }

  // ------------------------------------------------------------------------------------------ sessions and trouble

  private get forget(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      for (const { scope } of this.snapshots.splice(0)) yield* Scope.close(scope, Exit.void)
      yield* this.positions.forget
    })
  }

  /** Closes what a run that was ended by a fault has left open, so that other runs do not see it. */
  get abandon(): Effect.Effect<void> {
    const own = Effect.suspend(() => (this.scope === undefined ? Effect.void : Scope.close(this.scope, Exit.void)))
    return Effect.zipRight(own, this.rows?.abandon ?? Effect.void)
  }

  private get close(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.scope !== undefined) yield* Scope.close(this.scope, Exit.void)
      this.scope = undefined
      const left = metricsOf("model")
      if (left.size > 0) yield* mismatch("after closing", `metrics ${[...left.keys()].join(" ")}`, ["none"])
      const { openFiles } = this.machine
      if (openFiles !== 0) yield* mismatch("after closing", `${openFiles} open files`, ["none"])
    })
  }

  private reopen(configuration: number | undefined): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      yield* this.forget
      const { poisoned } = yield* Effect.orDie(this.store.stats)
      const { isSound } = this.machine
      if (!isSound) this.leftTidy = false
      yield* this.close
      if (poisoned === undefined && isSound) this.model.synced()
      if (configuration !== undefined) this.configuration = configuration % configurations.length
      yield* this.boot(this.model.survivors(false))
    })
  }

  /** Opens the store on the machine, and checks that it holds what survives. */
  private boot(survivors: Survivors): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const open = Effect.gen(this, function* () {
        const scope = yield* Scope.make()
        this.store = yield* this.openStore.pipe(
          Scope.extend(scope),
          Effect.onError(() => Scope.close(scope, Exit.void))
        )
        this.scope = scope
        const { memory, recovery } = yield* this.store.stats
        this.frozenAtOpening = memory.frozenCount
        const { ask } = answerOf(everything, this.store, undefined)
        return { recovery, found: yield* ask() }
      })
      const { found, recovery } = yield* Effect.catchAll(open, (error) =>
        Effect.gen(this, function* () {
          // The disk refuses nothing any more, so now it must open.
          yield* this.excuse(error)
          this.leftTidy = false
          this.machine.heal()
          if (this.scope !== undefined) yield* this.close
          return yield* Effect.orDie(open)
        })
      )
      const { time } = this.clock
      const matches = (content: Content) => showAll(content.at(time)) === found
      if (!this.model.recover(survivors, matches)) {
        yield* mismatch(`opening, with survivors ${show(survivors)}`, found, this.view.candidates.map(showAll))
      }
      if (this.leftTidy && recovery.orphans.length + recovery.dropped.length > 0) {
        yield* mismatch("left over", show(recovery), [])
      }
      this.leftTidy = this.machine.isSound
      this.keepsHistory &&= this.hasHistory
      this.sequence = 0
    })
  }

  private heal({ patient, reopen }: { readonly patient: boolean; readonly reopen: boolean }): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.machine.isSound) return
      this.leftTidy = false
      this.machine.heal()
      if (!patient) yield* this.store.resume
      yield* this.pass(patient ? retryMillis : 0)
      const { backgroundError, poisoned } = yield* Effect.orDie(this.store.stats)
      if (poisoned !== undefined) {
        this.model.logFailed = true
        if (!reopen) return
        yield* this.reopen(undefined)
      } else if (backgroundError !== undefined) {
        yield* mismatch("after the last fault", backgroundError, ["no error"])
      }
      this.machine.forget()
    })
  }

  private interrupt({ turns, work }: CommandOf<"Interrupt">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const fiber = yield* Effect.fork(work._tag === "Scan" ? this.ask(work, work.from) : this.change(work))
      for (let i = 0; i < turns; i++) yield* Effect.yieldNow()
      const exit = yield* interruption(fiber)
      if (Exit.isFailure(exit) && !isInterrupted(exit)) yield* exit
      if (this.model.unknownCount > 2) yield* this.known
    })
  }

  private crash(command: CommandOf<"Crash">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (command.rested) yield* this.wait(longestInterval)
      let survivors: Survivors = this.model.survivors(command.power)
      this.machine.arm(command, () => {
        survivors = this.model.survivors(command.power)
      })
      for (const change of command.changes) {
        if (!this.machine.hasStopped) yield* this.change(change)
      }
      yield* this.startAgain
      if (command.configuration !== undefined) this.configuration = command.configuration % configurations.length
      if (command.choice % 4 === 0) {
        // Crash once more, while the store opens.
        this.machine.arm({ ...command, choice: command.choice >>> 4 }, () => undefined)
        this.scope = yield* Scope.make()
        yield* Scope.extend(this.openStore, this.scope).pipe(
          Effect.asVoid,
          Effect.catchAll((error) => this.excuse(error))
        )
        yield* this.startAgain
      }
      yield* this.boot(survivors)
    })
  }

  /** Stops the machine and boots it again on its remaining disk. */
  private get startAgain(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      this.machine.halt()
      yield* this.forget
      yield* this.close
      this.leftTidy = false
      this.machine = this.machine.next
    })
  }

  /** Runs work that may fail only because of a refused operation. Such a failure has no effect. */
  private guard<A>(
    work: Effect.Effect<A, LsmError.WriteError>,
    then: (value: A) => Effect.Effect<void> | undefined | void | number = () => undefined
  ): Effect.Effect<void> {
    return Effect.matchEffect(work, {
      onFailure: (error) => this.excuse(error),
      onSuccess: (value) => {
        const next = then(value)
        return Effect.isEffect(next) ? next : Effect.void
      }
    })
  }

  private excuse(error: LsmError.LsmError): Effect.Effect<void> {
    const excused = error._tag === "StorePoisoned" ? this.machine.excusesPoison : this.machine.excuses(error)
    return excused ? Effect.void : Effect.die(error)
  }
}

/** The tag of the error that an effect fails with, or `"accepted"`. */
const tagOf = (effect: Effect.Effect<unknown, LsmError.LsmError>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: () => "accepted" })

/** The gauges and counters of a store in the registry, by name, summed over levels. Histograms count as 0. */
const metricsOf = (store: string): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const { name, labels, value = 0 } of registeredMetrics()) {
    if (labels.get("store") === store) found.set(name, (found.get(name) ?? 0) + value)
  }
  return found
}

const everything = {
  _tag: "Scan",
  what: "scan",
  start: undefined,
  end: undefined,
  prefix: undefined,
  reverse: false,
  limit: undefined,
  chunkSize: 512,
  transferEvery: 0
} as const

/** Longer than every interval: two hours. */
const longestInterval = 7_200_000

/** Failed background work is retried after at most ten seconds. */
const retryMillis = 10_000
