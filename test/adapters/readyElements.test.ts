import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { ReadyElements } from "../../src/core/adapters/queue/readyElements.js"
import { check } from "../support/property.js"

const bytes = new Uint8Array(1)
const at = (sequence: number) => ({ sequence, bytes })

describe("the ready elements of a queue", () => {
  it("are not read past a write that has not ended", () => {
    const ready = new ReadyElements()
    ready.begin(undefined)
    const [first, second, third] = [ready.place(), ready.place(), ready.place()]
    ready.settle(second!, bytes)
    expect([ready.unread, ready.hasElement]).toEqual([undefined, false])
    ready.settle(first!, undefined)
    expect(ready.unread).toEqual({ from: 0, to: 2 })
    ready.settle(third!, bytes)
    expect(ready.unread).toEqual({ from: 0, to: 3 })
    ready.read([at(1), at(2)], { from: 0, to: 3 }, true)
    expect([ready.claim(), ready.claim(), ready.claim(), ready.unread]).toEqual([at(1), at(2), undefined, undefined])
  })

  it("are handed over without being read if they come in order", () => {
    const ready = new ReadyElements()
    ready.begin(6)
    ready.read([], ready.unread!, true)
    ready.settle(ready.place(), bytes)
    expect([ready.unread, ready.claim()]).toEqual([undefined, at(7)])
  })

  it("are each claimed once, in order, whatever order their writes end in", () => {
    const step = FastCheck.constantFrom("place", "end", "fail", "claim", "release", "read")
    check(
      FastCheck.property(
        FastCheck.array(FastCheck.tuple(step, FastCheck.nat()), { maxLength: 200 }),
        FastCheck.integer({ min: 1, max: 4 }),
        (steps, readAtOnce) => {
          const ready = new ReadyElements()
          ready.begin(undefined)
          const stored = new Set<number>()
          const unsettled: Array<number> = []
          const taken = new Set<number>()
          const done = new Set<number>()
          const settle = (choice: number, isThere: boolean): void => {
            const [sequence] = unsettled.splice(choice % Math.max(unsettled.length, 1), 1)
            if (sequence === undefined) return
            if (isThere) stored.add(sequence)
            ready.settle(sequence, isThere ? bytes : undefined)
          }
          const read = (): void => {
            const { unread } = ready
            if (unread === undefined || ready.hasElement) return
            const all = [...stored].filter((n) => n >= unread.from && n < unread.to).sort((a, b) => a - b)
            const part = all.slice(0, readAtOnce)
            ready.read(part.map(at), unread, part.length < readAtOnce)
          }
          const claim = (): void => {
            const element = ready.claim()
            if (element === undefined) return
            const before = [...stored].filter((n) => n < element.sequence && !taken.has(n) && !done.has(n))
            expect(before).toEqual([])
            expect(taken.has(element.sequence) || done.has(element.sequence)).toBe(false)
            taken.add(element.sequence)
          }
          for (const [name, choice] of steps) {
            if (name === "place") unsettled.push(ready.place())
            else if (name === "end") settle(choice, true)
            else if (name === "fail") settle(choice, false)
            else if (name === "read") read()
            else if (name === "claim") claim()
            else {
              const [sequence] = [...taken].slice(choice % Math.max(taken.size, 1))
              if (sequence === undefined) continue
              taken.delete(sequence)
              if (choice % 2 === 0) ready.release(at(sequence))
              else done.add(sequence)
            }
          }
          while (unsettled.length > 0) settle(0, true)
          while (ready.hasElement || ready.unread !== undefined) {
            read()
            claim()
          }
          expect(taken.size + done.size).toBe(stored.size)
        }
      )
    )
  })
})
