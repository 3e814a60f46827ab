import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { keyBytes, keyText } from "../../../src/core/commit/keyText.js"
import { joinRanges, notKept, RecentWrites } from "../../../src/core/commit/recentWrites.js"
import { encodeBatch } from "../../support/batches.js"
import { check } from "../../support/property.js"

const bytesOf = FastCheck.uint8Array({ maxLength: 3 })

describe("key texts", () => {
  it("have the order of keys, and lead back to them", () => {
    check(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 40 }), FastCheck.uint8Array({ maxLength: 40 }), (a, b) => {
        const [x, y] = [keyText(a, 0, a.length), keyText(b, 0, b.length)]
        expect(Math.sign(x < y ? -1 : x > y ? 1 : 0)).toBe(Math.sign(compare(a, b)))
        expect(keyBytes(x)).toStrictEqual(a)
        expect(keyText(a, Math.min(1, a.length), a.length)).toBe(x.slice(1))
      }),
      500
    )
  })
})

/** A record of the model: the numbers and values of its writes. */
interface Written {
  readonly sequence: number
  readonly last: number
  readonly key: string
  readonly value: Uint8Array | undefined
}

const steps = FastCheck.array(
  FastCheck.oneof(
    FastCheck.record({
      kind: FastCheck.constant("add" as const),
      writes: FastCheck.array(FastCheck.tuple(bytesOf, FastCheck.option(bytesOf, { nil: undefined })), {
        minLength: 1,
        maxLength: 4
      })
    }),
    FastCheck.record({ kind: FastCheck.constant("apply" as const), count: FastCheck.nat(6) }),
    FastCheck.record({ kind: FastCheck.constant("need" as const), count: FastCheck.nat(9) })
  ),
  { maxLength: 60 }
)

describe("recent writes", () => {
  it("know the newest write of each key, and what was written since a moment", () => {
    check(
      FastCheck.property(
        steps,
        FastCheck.array(FastCheck.tuple(bytesOf, bytesOf), { maxLength: 5 }),
        (script, ranges) => {
          const recent = new RecentWrites(Number.POSITIVE_INFINITY)
          const all: Array<Written> = []
          let next = 1
          let applied = 0
          let needed = 0
          for (const step of script) {
            if (step.kind === "add") {
              const entries = step.writes.map(([key, value], i) => ({ key, sequence: next + i, value }))
              const payload = encodeBatch(entries, next)
              const padded = new Uint8Array(payload.length + 7)
              padded.set(payload, 5)
              recent.add(padded, 5, 5 + payload.length)
              const last = next + entries.length - 1
              for (const { key, sequence, value } of entries) {
                all.push({ sequence, last, key: keyText(key, 0, key.length), value })
              }
              next = last + 1
            } else if (step.kind === "apply") {
              // Records are applied whole.
              const ends = [...new Set(all.map(({ last }) => last))].filter((last) => last > applied)
              applied = ends[Math.min(step.count, ends.length) - 1] ?? applied
            } else needed = Math.min(applied, needed + step.count)
            recent.settle(applied, needed)
            const kept = all.filter(({ last }) => last > needed)
            for (const key of new Set(all.map((write) => write.key))) {
              const newest = kept.filter((write) => write.key === key).at(-1)
              const found = recent.find(key)
              if (newest === undefined || newest.last <= needed) {
                expect(found).toBeUndefined()
                continue
              }
              expect(found!.sequence).toBe(newest.sequence)
              if (newest.last > applied) expect(found!.value).toStrictEqual(newest.value)
              else expect(found!.value === undefined || found!.value === notKept).toBe(true)
            }
            const texts = ranges.map(([from, to]) => ({
              start: keyText(from, 0, from.length),
              end: to.length === 3 ? undefined : keyText(to, 0, to.length)
            }))
            for (const since of [needed, applied, next - 1]) {
              const after = kept.filter(({ last }) => last > since)
              expect(recent.countAfter(since)).toBe(new Set(after.map(({ last }) => last)).size)
              const isIn = ({ key }: Written) =>
                texts.some(({ start, end }) => key >= start && (end === undefined || key < end))
              const written = new Set(after.filter(isIn).map(({ key }) => key))
              const joined = joinRanges(texts)
              // In one step, and record by record.
              for (const most of [undefined, 1]) {
                let found: string | number = since
                for (;;) {
                  const before: number = found
                  found = recent.findIn(joined, before, most)
                  if (typeof found === "string" || found === before || most === undefined) break
                }
                expect(typeof found === "string").toBe(written.size > 0)
                if (typeof found === "string") expect(written).toContain(found)
                else expect(found).toBe(after.at(-1)?.last ?? since)
              }
            }
          }
          recent.settle(next, Number.POSITIVE_INFINITY)
          expect(recent.size).toBe(0)
        }
      ),
      300
    )
  })

  it("forget the oldest applied records if they take too much room, and say so", () => {
    const recent = new RecentWrites(5_000)
    const add = (sequence: number) => {
      const payload = encodeBatch([{ key: Uint8Array.of(sequence), value: undefined }], sequence)
      recent.add(payload, 0, payload.length)
    }
    for (let sequence = 1; sequence <= 100; sequence++) add(sequence)
    recent.settle(0, 0)
    expect([recent.size, recent.floor]).toStrictEqual([100, 0])
    recent.settle(100, 0)
    expect(recent.size).toBeLessThan(50)
    expect(recent.floor).toBe(100 - recent.size)
    expect(recent.find(keyText(Uint8Array.of(recent.floor), 0, 1))).toBeUndefined()
    expect(recent.find(keyText(Uint8Array.of(recent.floor + 1), 0, 1))).toBeDefined()
  })

  it("keep no value of a record of more than a mebibyte", () => {
    const recent = new RecentWrites(Number.POSITIVE_INFINITY)
    const key = Uint8Array.of(1)
    const payload = encodeBatch([{ key, value: new Uint8Array(1024 * 1024) }], 1)
    recent.add(payload, 0, payload.length)
    expect(recent.find(keyText(key, 0, 1))!.value).toBe(notKept)
  })
})
