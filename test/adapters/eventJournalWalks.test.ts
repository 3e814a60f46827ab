import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as LsmEventJournal from "effect-lsm/EventJournal"
import * as Testing from "effect-lsm/testing"
import { idAfter, millisOf } from "../../src/core/adapters/journal/entryIds.js"
import { Places } from "../../src/core/adapters/journal/places.js"
import { compare } from "../../src/core/bytes/bytes.js"
import { open } from "../support/adapters/eventJournal.js"
import { entryAt, makeRemoteId, type Remote, textOf as textOfEntry } from "../support/adapters/journalForm.js"
import { captureLogs } from "../support/captureLogs.js"
import { check, checkAsync } from "../support/property.js"

/** One step of a walk. Numbers choose a remote, and entries of it. */
type Step =
  | { readonly _tag: "note" }
  | { readonly _tag: "receive"; readonly remote: number; readonly from: number; readonly count: number }
  | { readonly _tag: "upload"; readonly remote: number; readonly fails: boolean }
  | { readonly _tag: "end"; readonly how: "close" | "crash" | "power cut" }

const remoteNumber = FastCheck.nat({ max: 2 })
const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  FastCheck.record({ _tag: FastCheck.constant("note" as const) }),
  FastCheck.record({
    _tag: FastCheck.constant("receive" as const),
    remote: remoteNumber,
    from: FastCheck.nat({ max: 8 }),
    count: FastCheck.nat({ max: 5 })
  }),
  FastCheck.record({
    _tag: FastCheck.constant("upload" as const),
    remote: remoteNumber,
    fails: FastCheck.boolean()
  }),
  FastCheck.record({
    _tag: FastCheck.constant("end" as const),
    how: FastCheck.constantFrom("close" as const, "crash" as const, "power cut" as const)
  })
)

/** What a journal has to be, as lists. */
class Model {
  /** In the order in which they were written: the text, and the remote that sent it. */
  readonly written: Array<{ readonly text: string; readonly source: number | undefined; readonly millis: number }> = []
  readonly next = [0, 0, 0]
  readonly uploaded = [0, 0, 0]

  has(text: string): boolean {
    return this.written.some((entry) => entry.text === text)
  }

  missing(remote: number): Array<string> {
    return this.written
      .slice(this.uploaded[remote])
      .filter(({ source }) => source !== remote)
      .map(({ text }) => text)
      .sort()
  }
}

const textOf = ([, entry]: Remote) => textOfEntry(entry)

/** Three remotes, and what each sends: the last ones of a remote are also the first ones of the next. */
const remotes = [makeRemoteId(), makeRemoteId(), makeRemoteId()]
const log = Array.from({ length: 20 }, (_, i) => entryAt(1000 + i, "Noted", `key ${i % 3}`, `sent ${i}`))
const sentBy = (remote: number): ReadonlyArray<Remote> =>
  log.slice(remote * 3, remote * 3 + 14).map((entry, i) => [i, entry])

/** Makes a step on the journal and on its model, and compares what they say. */
const take = (machine: Testing.Machine, model: Model, step: Step) =>
  Effect.gen(function* () {
    if (step._tag === "end") {
      if (step.how === "crash") yield* machine.crash
      if (step.how === "power cut") yield* machine.powerCut()
      return
    }
    const journal = yield* open
    if (step._tag === "note") {
      const text = `own ${model.written.length}`
      yield* journal.note(text)
      model.written.push({ text, source: undefined, millis: Number.POSITIVE_INFINITY })
      return
    }
    const { remote } = step
    const remoteId = remotes[remote]!
    if (step._tag === "receive") {
      const sent = sentBy(remote).slice(step.from, step.from + step.count)
      const fresh = sent.filter((one) => !model.has(textOf(one)))
      const seen = yield* journal.receive(remoteId, sent)
      expect(seen.map(([text]) => text)).toEqual(fresh.map(textOf))
      for (const one of fresh) model.written.push({ text: textOf(one), source: remote, millis: one[1].createdAtMillis })
      for (const [sequence] of sent) model.next[remote] = Math.max(model.next[remote]!, sequence + 1)
    } else if (step.fails) {
      // With nothing to give, the effect is not run in each edition.
      if (model.missing(remote).length > 0) expect(yield* journal.uploadFailing(remoteId)).toBe("refused")
    } else {
      expect([...(yield* journal.upload(remoteId))].sort()).toEqual(model.missing(remote))
      model.uploaded[remote] = model.written.length
    }
  })

const expectModel = (model: Model) =>
  Effect.gen(function* () {
    const journal = yield* open
    const inOrder = [...model.written].sort((a, b) => (a.millis === b.millis ? 0 : a.millis - b.millis))
    expect(yield* journal.texts).toEqual(inOrder.map(({ text }) => text))
    for (const [i, remote] of remotes.entries()) expect(yield* journal.next(remote)).toBe(model.next[i])
  })

/** The steps up to each end of the process, and those after the last. */
const sessionsOf = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> => {
  const sessions: Array<Array<Step>> = [[]]
  for (const step of steps) {
    sessions.at(-1)!.push(step)
    if (step._tag === "end") sessions.push([])
  }
  return sessions
}

const walk = (steps: ReadonlyArray<Step>, seed: number) =>
  Effect.gen(function* () {
    const machine = yield* Testing.makeMachine({ seed })
    const model = new Model()
    for (const session of sessionsOf(steps)) {
      const run = Effect.forEach(session, (step) => take(machine, model, step), { discard: true })
      yield* run.pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(machine.layer()))
      yield* expectModel(model).pipe(Effect.provide(LsmEventJournal.layer()), Effect.provide(machine.layer()))
    }
  }).pipe(Effect.provide(captureLogs().layer))

describe("EventJournal", () => {
  it("is as its model says, also after crashes and power cuts", () =>
    checkAsync(
      FastCheck.asyncProperty(FastCheck.array(step, { maxLength: 25 }), FastCheck.nat(), (steps, seed) =>
        Effect.runPromise(walk(steps, seed))
      ),
      20
    ))

  it("gives ids after each other, whatever the clock says", () =>
    check(
      FastCheck.property(FastCheck.array(FastCheck.nat({ max: 5 }), { minLength: 1, maxLength: 50 }), (times) => {
        let floor: Uint8Array | undefined
        for (const time of times) {
          const { id } = entryAt(time, "Noted", "a")
          const next = idAfter(id, floor)
          if (floor !== undefined) expect(compare(next, floor)).toBeGreaterThan(0)
          expect(next[6]! >> 4).toBe(7)
          expect(next[8]).toBe(id[8])
          expect(millisOf(next)).toBeGreaterThanOrEqual(time)
          floor = next
        }
      })
    ))

  it("goes to the next millisecond when the count of one is full, and ends with the last id", () => {
    const id = entryAt(5, "Noted", "a").id
    const full = id.slice()
    full[6] = 0x7f
    full[7] = 0xff
    expect(millisOf(idAfter(id, full))).toBe(6)
    expect(() => idAfter(id, new Uint8Array(16).fill(0xff))).toThrow(RangeError)
  })

  it("counts places as settled when all before them are", () => {
    const places = new Places()
    places.begin(10)
    expect(places.settled).toBe(10)
    const [first, second, third] = [places.take(2), places.take(1), places.take(3)]
    expect([first, second, third]).toEqual([11, 13, 14])
    places.settle(second)
    expect(places.settled).toBe(10)
    places.settle(first)
    expect(places.settled).toBe(13)
    expect(places.take(0)).toBe(17)
    places.settle(third)
    expect(places.settled).toBe(16)
  })
})
