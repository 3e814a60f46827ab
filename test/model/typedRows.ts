import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Keyspace, LsmError, type LsmOptions, type OrderedStore, type Store, WriteBatch } from "effect-lsm"
import { turn } from "../support/eventually.js"
import { positionNow } from "../support/feed.js"
import { interruption, isInterrupted } from "../support/interruption.js"
import { openStore } from "../support/openStore.js"
import { SimulatedClock } from "../support/simulated.js"
import { configurations } from "./configurations.js"
import { Content, type Write } from "./content.js"
import { Machine } from "./machine.js"
import { Model, type Survivors } from "./model.js"
import {
  type Entry,
  type Failure,
  firstSized,
  Notes,
  type People,
  peopleName,
  programs,
  sizeIndex,
  versionAt
} from "./people.js"
import { showAll } from "./questions.js"
import type { Person, RowChange, RowCommand, RowCommandOf, Work } from "./rowCommands.js"
import { mismatch, show } from "./text.js"

const durabilities = { sync: "sync", buffered: "buffered", interval: { interval: "20 millis" } } as const
type DurabilityName = keyof typeof durabilities

/** Longer than every interval, in milliseconds. */
const longestInterval = 7_200_000

/** Where the model has a row, and where a note. */
const rowKey = (key: number): string => `row ${String(key).padStart(2, "0")}`
const noteKey = (key: string): string => `note ${key}`
const [allRows, allNotes] = [
  ["row ", { end: "row!" }],
  ["note ", { end: "note!" }]
] as const satisfies ReadonlyArray<Write>

const textOfPerson = ({ city, mail, size }: Person): string => show({ mail, city, size })
const entryText = ([key, person]: Entry): readonly [string, string] => [rowKey(key), textOfPerson(person)]

/** Breaks a store, for the tests of the model. */
export type Breaks = (store: Store.Store) => Store.Store

/**
 * Two typed keyspaces in a store of their own, on a machine with a clock of its own: `people` has indexes
 * and earlier versions of its values, `notes` has values that expire. After each command rows, notes
 * and indexes must be those of the model.
 */
export class TypedRows {
  private readonly clock = new SimulatedClock()
  private readonly model = new Model()
  private machine: Machine
  private scope: Scope.CloseableScope | undefined
  private store!: Store.Store
  private people: People | undefined
  private notes: Keyspace.OpenKeyspace<string, string> | undefined
  /** Which version of the program has the store open. */
  private program = 0
  /** The place in the feed that a reader has come to, and what it knows. */
  private followed: { readonly position: string; readonly content: Content } | undefined
  private keepsHistory = true

  constructor(
    random: () => number,
    private readonly configuration: number,
    private readonly breaks: Breaks = (store) => store
  ) {
    this.machine = new Machine(random, directory)
  }

  get start(): Effect.Effect<void> {
    return this.byClock(this.boot({ made: 0, certain: 0 }))
  }

  perform(command: RowCommand): Effect.Effect<void> {
    return this.byClock(
      Effect.gen(this, function* () {
        this.model.tidy()
        yield* this.run(command)
        yield* this.compare
      })
    )
  }

  /** Looks at everything, closes the store and opens it again. */
  get end(): Effect.Effect<void> {
    return this.byClock(
      Effect.gen(this, function* () {
        yield* this.mend
        yield* this.follow
        yield* this.openAgain
        yield* this.compare
        yield* this.close
      })
    )
  }

  get abandon(): Effect.Effect<void> {
    return Effect.suspend(() => (this.scope === undefined ? Effect.void : Scope.close(this.scope, Exit.void)))
  }

  private byClock<A>(effect: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.withClock(effect, this.clock.clock)
  }

  private run(command: RowCommand): Effect.Effect<void> {
    switch (command._tag) {
      case "PutRow":
      case "DeleteRow":
      case "PutNote":
      case "DeleteNote":
      case "Together":
      case "Meanwhile":
        return this.work(command)
      case "Evolve":
        return Effect.suspend(() => {
          this.program = Math.min(this.program + 1, programs.length - 1)
          this.people = undefined
          const { next } = command
          return Effect.zipRight(this.openKeyspaces, next === null ? Effect.void : this.meanwhile(next))
        })
      case "DropIndex":
        return this.dropIndex
      case "Drop":
        return this.drop(command.which)
      case "Find":
        return this.find(command)
      case "Follow":
        return this.follow
      case "Settle":
        return Effect.suspend(() => {
          const { made } = this.model
          const settling = command.work === "flush" ? this.store.flush : this.store.compact()
          return this.guard(settling, () => this.model.synced(made))
        })
      case "Pass":
        return Effect.zipRight(
          this.pass(command.millis),
          Effect.sync(() => {
            if (command.millis >= longestInterval && this.machine.isSound) this.model.intervalsEnded()
          })
        )
      case "OpenAgain":
        return this.openAgain
      case "Refuse":
        return Effect.sync(() => {
          this.keepsHistory = false
          this.machine.fault(command)
        })
      case "Mend":
        return this.mend
      case "Break":
        return Effect.gen(this, function* () {
          const fiber = yield* Effect.fork(this.work(command.work))
          for (let i = 0; i < command.turns; i++) yield* Effect.yieldNow()
          const exit = yield* interruption(fiber)
          if (Exit.isFailure(exit) && !isInterrupted(exit)) yield* exit
        })
      case "PowerOff":
        return this.powerOff(command)
    }
  }

  // ---------------------------------------------------------------------------------------------------- writing

  private work(work: Work): Effect.Effect<void> {
    return work._tag === "Meanwhile" ? this.meanwhile(work) : this.change(work)
  }

  private change(change: RowChange): Effect.Effect<void> {
    const { notes, people, store } = this
    const options = { durability: change.durability === undefined ? undefined : durabilities[change.durability] }
    // A refused operation may have kept a keyspace from being opened.
    if (notes === undefined || people === undefined) return Effect.void
    switch (change._tag) {
      case "PutRow": {
        const { key, person } = change
        return this.write([[rowKey(key), textOfPerson(person)]], change, people.put(key, person, options))
      }
      case "DeleteRow":
        return this.write([[rowKey(change.key), undefined]], change, people.delete(change.key, options))
      case "PutNote": {
        const { key, ttl, value } = change
        const written = ttl === undefined ? value : { value, expiresAt: this.clock.time + ttl }
        const batch = WriteBatch.make()
        const put = change.inBatch
          ? Effect.zipRight(notes.putIn(batch, key, value, { ttl }), writtenBatch(store, batch, options))
          : notes.put(key, value, { ...options, ttl })
        return this.write([[noteKey(key), written]], change, put)
      }
      case "DeleteNote": {
        const { key } = change
        const batch = WriteBatch.make()
        const remove = change.inBatch
          ? Effect.zipRight(notes.deleteIn(batch, key), writtenBatch(store, batch, options))
          : notes.delete(key, options)
        return this.write([[noteKey(key), undefined]], change, remove)
      }
      case "Together": {
        const { key, note, person } = change
        const both = store.transact(
          (tx) =>
            Effect.gen(function* () {
              yield* people.putWithin(tx, key, person)
              yield* Effect.flatMap(notes.within(tx), (inside) => inside.put("together", note))
            }),
          options
        )
        const writes: ReadonlyArray<Write> = [
          [rowKey(key), textOfPerson(person)],
          [noteKey("together"), note]
        ]
        return this.write(writes, change, both)
      }
    }
  }

  /** A write of a row is refused if another one has its mail, and only then. */
  private write(
    writes: ReadonlyArray<Write>,
    { durability }: { readonly durability: DurabilityName | undefined },
    run: Effect.Effect<void, Failure | OrderedStore.TransactionError>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { model } = this
      const attempt = model.begin(writes)
      const isTaken = (content: Content): boolean => writes.some(([key, value]) => hasMailOf(content, key, value))
      const { candidates } = model
      return run.pipe(
        Effect.matchEffect({
          onSuccess: () =>
            Effect.suspend(() => {
              if (candidates.every(isTaken)) return mismatch(show(writes), "it is written", ["UniqueViolation"])
              model.acknowledge(attempt, durability ?? this.usualDurability)
              return Effect.void
            }),
          onFailure: (error) =>
            Effect.gen(this, function* () {
              if (error._tag === "UniqueViolation") {
                if (!candidates.some(isTaken)) yield* mismatch(show(writes), error._tag, ["it is written"])
                model.fail(attempt, false)
                return
              }
              yield* this.excuse(error)
              const { poisoned } = yield* Effect.orDie(this.store.stats)
              if (poisoned !== undefined) model.logFailed = true
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

  /** Builds or migrates while others write. Retries of transactions wait, so time passes meanwhile. */
  private meanwhile({ changes, upkeep }: Omit<RowCommandOf<"Meanwhile">, "_tag">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { people } = this
      if (people === undefined) return
      let isDone = false
      const work = this.guard(Stream.runDrain(people.work(upkeep.work, upkeep.batchSize)), () => {
        isDone = true
      })
      const writes = Effect.forEach(changes, (change) => this.change(change), { discard: true })
      const both = Effect.all([work, writes], { concurrency: "unbounded", discard: true })
      let hasEnded = false
      const end = Effect.sync(() => {
        hasEnded = true
      })
      const fiber = yield* Effect.fork(Effect.ensuring(both, end))
      yield* Effect.onInterrupt(
        this.passUntil(() => hasEnded),
        () => Fiber.interrupt(fiber)
      )
      yield* Fiber.join(fiber)
      if (isDone && upkeep.work === "migrate") yield* this.guard(this.compareVersions(people))
      if (isDone && upkeep.work === "build") {
        for (const { collect } of people.sorted) yield* this.guard(collect)
      }
    })
  }

  /** Lets time pass until it is over. */
  private passUntil(isOver: () => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (isOver()) return Effect.void
      this.clock.advance(1)
      return Effect.zipRight(turn, this.passUntil(isOver))
    })
  }

  /** All rows have the version of the program, once they are migrated. */
  private compareVersions(people: People): Effect.Effect<void, Failure> {
    return Effect.gen(this, function* () {
      for (const [key] of yield* people.collect) {
        const stored = yield* this.store.get(yield* people.keyOf(key))
        const [zero, version] = Option.getOrElse(stored, () => new Uint8Array())
        const found = zero === 0 ? version : 1
        if (found !== versionAt(this.program))
          yield* mismatch(`row ${key}`, show(found), [show(versionAt(this.program))])
      }
    })
  }

  private get dropIndex(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.program < firstSized || this.people === undefined) return
      const { made } = this.model
      yield* this.guard(Keyspace.dropIndexIn(this.store, peopleName, sizeIndex, { durability: "sync" }), () => {
        this.model.synced(made)
        this.program = firstSized - 1
      })
      this.people = undefined
      yield* this.openKeyspaces
    })
  }

  private drop(which: "people" | "notes"): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.people === undefined || this.notes === undefined) return
      let isDropped = false
      const drop = Effect.map(Keyspace.dropIn(this.store, which, { durability: "sync" }), () => {
        isDropped = true
      })
      yield* this.write([which === "people" ? allRows : allNotes], { durability: "sync" }, drop)
      this.followed = undefined
      if (which === "people") {
        if (isDropped) this.program = 0
        this.people = undefined
      } else this.notes = undefined
      yield* this.openKeyspaces
    })
  }

  // ---------------------------------------------------------------------------------------------------- reading

  private get view() {
    const { time } = this.clock
    return {
      candidates: this.model.candidates.map((content) => showAll(content.at(time))),
      observe: (found: string) => this.model.observe((content) => showAll(content.at(time)) === found)
    }
  }

  /** Compares rows and notes with the model, and the indexes with the rows. */
  private get compare(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.people === undefined || this.notes === undefined) yield* this.openKeyspaces
      const { notes, people } = this
      if (people === undefined || notes === undefined) return
      if (!this.model.isKnown || this.model.unknownCount > 0) {
        yield* this.pass(0)
        this.model.settle()
      }
      yield* this.guard(this.contentOf(people, notes), (found) => {
        const { view } = this
        return view.observe(found) ? undefined : mismatch("rows and notes", found, view.candidates)
      })
      yield* this.guard(this.compareIndexes(people))
    })
  }

  private contentOf(people: People, notes: Keyspace.OpenKeyspace<string, string>): Effect.Effect<string, Failure> {
    return Effect.gen(function* () {
      const held = (yield* notes.collect()).map(({ key, value }): Write => [noteKey(key), value])
      const rows = (yield* people.collect).map(entryText)
      return showAll(Content.empty.after([...held, ...rows]))
    })
  }

  private compareIndexes(people: People): Effect.Effect<void, Failure> {
    return Effect.gen(this, function* () {
      const rows = yield* people.collect
      for (const { collect, due, name } of people.sorted) {
        const sorted = yield* Effect.catchTag(collect, "IndexNotReady", (error) =>
          // Those of the first program were ready before it had a row.
          name === sizeIndex ? Effect.succeed(undefined) : Effect.fail(error)
        )
        if (sorted === undefined) continue
        const [found, expected] = [show(sorted), show(due(rows))]
        if (found !== expected) yield* mismatch(`index ${name}`, found, [expected])
      }
      const found = show(yield* people.check)
      // An index that is being built lacks rows.
      if (found !== "[]" && !(yield* this.isBuilding(people))) yield* mismatch("checkIndexes", found, ["[]"])
    })
  }

  private isBuilding(people: People): Effect.Effect<boolean, Failure> {
    const last = people.sorted.at(-1)!
    return Effect.catchTag(Effect.as(last.collect, false), "IndexNotReady", () => Effect.succeed(true))
  }

  private find({ city, key, mail }: RowCommandOf<"Find">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { people } = this
      if (people === undefined) return
      const wanted = `${mail}@x`
      const ask = Effect.gen(function* () {
        const rows = yield* people.collect
        const found = show([yield* people.get(key), yield* people.byMail(wanted), yield* people.countIn(city)])
        const due = show([
          rows.find(([other]) => other === key)?.[1],
          rows.find(([, person]) => person.mail === wanted),
          rows.filter(([, person]) => person.city === city).length
        ])
        if (found !== due) yield* mismatch(show({ key, wanted, city }), found, [due])
      })
      yield* this.guard(ask)
    })
  }

  /** Reads the changes of both keyspaces since the last time, and compares what they lead to. */
  private get follow(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { notes, people, store } = this
      if (people === undefined || notes === undefined) return
      const { made } = this.model
      const isGone = (error: { readonly _tag: string }) => error._tag === "SequenceTooOld" && !this.keepsHistory
      yield* this.guard(
        Effect.gen(this, function* () {
          const { content, position } = this.followed ?? { content: Content.empty, position: "oldest" }
          const before = sequenceOf(yield* positionNow(store))
          // The last change of both that is read: it deletes what is not there.
          yield* store.transact(
            (tx) =>
              Effect.zipRight(
                people.deleteWithin(tx, lastRow),
                Effect.flatMap(notes.within(tx), (inside) => inside.delete(lastNote))
              ),
            { durability: "sync" }
          )
          const ofRows = yield* untilAfter(people.changes(position), before, lastRow)
          const ofNotes = yield* untilAfter(notes.changes({ from: position }), before, lastNote)
          const writes = [
            ...ofRows.flatMap(({ operations }) =>
              operations.map((operation): Write => {
                if (operation._tag === "DeleteRange") return allRows
                return [rowKey(operation.key), operation._tag === "Put" ? textOfPerson(operation.value) : undefined]
              })
            ),
            ...ofNotes.flatMap(({ operations }) =>
              operations.map((operation): Write => {
                if (operation._tag === "DeleteRange") return allNotes
                if (operation._tag === "Delete") return [noteKey(operation.key), undefined]
                const { expiresAt, key, value } = operation
                return [noteKey(key), expiresAt === undefined ? value : { value, expiresAt }]
              })
            )
          ]
          this.followed = { position: ofRows.at(-1)!.position, content: content.after(writes) }
        }),
        () => {
          this.model.synced(made)
          const found = showAll(this.followed!.content.at(this.clock.time))
          const { candidates } = this.view
          return candidates.includes(found) ? undefined : mismatch("the changes of keyspaces", found, candidates)
        },
        isGone
      )
    })
  }

  // ------------------------------------------------------------------------------------------ sessions and trouble

  private get options(): LsmOptions.LsmOptions {
    const { tuning } = configurations[this.configuration]!
    return { ...tuning, changeRetention: { bytes: Number.POSITIVE_INFINITY }, directory, name: "rows" }
  }

  /** Opens the keyspaces that are not open. The first indexes are built before a row is written. */
  private get openKeyspaces(): Effect.Effect<void> {
    return this.guard(this.openNow)
  }

  private get openNow(): Effect.Effect<void, Failure> {
    return Effect.gen(this, function* () {
      this.notes ??= yield* Keyspace.openIn(this.store, Notes)
      if (this.people !== undefined) return
      const people = yield* programs[this.program]!(this.store)
      const isNew = (yield* people.collect).length === 0
      if (isNew || this.program < firstSized) yield* Stream.runDrain(people.work("build", 256))
      this.people = people
    })
  }

  private boot(survivors: Survivors): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const open = Effect.gen(this, function* () {
        const scope = yield* Scope.make()
        const opened = yield* openStore(this.machine.storage, this.options).pipe(
          Scope.extend(scope),
          Effect.onError(() => Scope.close(scope, Exit.void))
        )
        this.scope = scope
        this.store = this.breaks(opened)
        yield* this.openNow
        return yield* this.contentOf(this.people!, this.notes!)
      })
      const found = yield* Effect.catchAll(open, (error) =>
        Effect.gen(this, function* () {
          yield* this.excuse(error)
          this.machine.heal()
          yield* this.close
          return yield* Effect.orDie(open)
        })
      )
      const { time } = this.clock
      if (!this.model.recover(survivors, (content) => showAll(content.at(time)) === found)) {
        yield* mismatch(`opening, with survivors ${show(survivors)}`, found, this.view.candidates)
      }
      this.followed = undefined
    })
  }

  private get close(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      this.people = undefined
      this.notes = undefined
      const { scope } = this
      this.scope = undefined
      if (scope !== undefined) yield* Scope.close(scope, Exit.void)
      const { openFiles } = this.machine
      if (openFiles !== 0) yield* mismatch("after closing", `${openFiles} open files`, ["none"])
    })
  }

  private get openAgain(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { poisoned } = yield* Effect.orDie(this.store.stats)
      const { isSound } = this.machine
      yield* this.close
      if (poisoned === undefined && isSound) this.model.synced()
      yield* this.boot(this.model.survivors(false))
    })
  }

  /** The disk refuses nothing any more. */
  private get mend(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      if (this.machine.isSound) return
      this.machine.heal()
      yield* this.store.resume
      yield* this.pass(0)
      const { poisoned } = yield* Effect.orDie(this.store.stats)
      if (poisoned !== undefined) {
        this.model.logFailed = true
        yield* this.openAgain
      }
      this.machine.forget()
      yield* this.openKeyspaces
    })
  }

  private powerOff(command: RowCommandOf<"PowerOff">): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      let survivors: Survivors = this.model.survivors(command.power)
      this.machine.arm(command, () => {
        survivors = this.model.survivors(command.power)
      })
      for (const work of command.changes) {
        if (!this.machine.hasStopped) yield* this.work(work)
      }
      this.machine.halt()
      yield* this.close
      this.machine = this.machine.next
      this.keepsHistory = false
      yield* this.boot(survivors)
    })
  }

  private pass(millis: number): Effect.Effect<void> {
    const rest = Effect.zipRight(turn, turn)
    return rest.pipe(Effect.zipRight(Effect.sync(() => this.clock.advance(millis))), Effect.zipRight(rest))
  }

  /** Runs work that may fail only because of a refused operation. */
  private guard<A>(
    work: Effect.Effect<A, { readonly _tag: string }>,
    then: (value: A) => Effect.Effect<void> | undefined | void = () => undefined,
    isExpected: (error: { readonly _tag: string }) => boolean = () => false
  ): Effect.Effect<void> {
    return Effect.matchEffect(work, {
      onFailure: (error) => (isExpected(error) ? Effect.void : this.excuse(error)),
      onSuccess: (value) => then(value) ?? Effect.void
    })
  }

  private excuse(error: { readonly _tag: string }): Effect.Effect<void> {
    const isExcused =
      error instanceof LsmError.StorePoisoned
        ? this.machine.excusesPoison
        : error instanceof LsmError.StorageError || error instanceof LsmError.DiskFull
          ? this.machine.excuses(error)
          : false
    return isExcused ? Effect.void : Effect.die(error)
  }
}

const directory = "/rows"

/** Never put. */
const [lastRow, lastNote] = [99, "last"]

/** The changes up to the first one after a place that deletes a key. */
const untilAfter = <K, V, E>(changes: Stream.Stream<Keyspace.RowChange<K, V>, E>, before: number, key: K) =>
  changes.pipe(
    Stream.takeUntil(
      ({ operations, position }) =>
        sequenceOf(position) > before &&
        operations.some((operation) => operation._tag === "Delete" && operation.key === key)
    ),
    Stream.runCollect,
    Effect.map((found) => Array.from(found))
  )

const writtenBatch = (store: Store.Store, batch: WriteBatch.WriteBatch, options: Store.WriteOptions) =>
  Effect.catchTag(store.write(batch, options), "Conflict", Effect.die)

const sequenceOf = (position: string): number => Number(position.slice(position.lastIndexOf("-") + 1))

/** Whether a row with another key has the mail of this one. */
const hasMailOf = (content: Content, key: string, value: Write[1]): boolean => {
  if (!key.startsWith("row ") || typeof value !== "string") return false
  const { mail } = JSON.parse(value) as Person
  return content
    .rows({ prefix: "row " })
    .some(([other, text]) => other !== key && (JSON.parse(text) as Person).mail === mail)
}
