import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { viewOf } from "../../../src/core/bytes/bytes.js"
import {
  FrameType,
  findFrame,
  frameHeaderSize,
  provesSynced,
  readFrame,
  sealFrame
} from "../../../src/core/log/frame.js"
import { check } from "../../support/property.js"

const salt = 12345
const fileNumber = 9

/** A file of frames after `from` bytes. `synced` gives the synced size in each frame. */
const fileOf = (
  payloads: ReadonlyArray<Uint8Array>,
  synced: (frame: number, offset: number) => number,
  from = 32
): { readonly bytes: Uint8Array; readonly offsets: ReadonlyArray<number> } => {
  const bytes = new Uint8Array(payloads.reduce((n, { length }) => n + frameHeaderSize + length, from))
  const offsets: Array<number> = []
  let at = from
  for (const [i, payload] of payloads.entries()) {
    bytes.set(payload, at + frameHeaderSize)
    sealFrame(viewOf(bytes), at, payload.length, FrameType.record, synced(i, at), salt, fileNumber, at)
    offsets.push(at)
    at += frameHeaderSize + payload.length
  }
  return { bytes, offsets }
}

const payloads = FastCheck.array(FastCheck.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 8 })

describe("a frame", () => {
  it("reads back in its place, but in no other place, file or store", () => {
    check(
      FastCheck.property(payloads, (all) => {
        const { bytes, offsets } = fileOf(all, (_, offset) => offset)
        for (const [i, offset] of offsets.entries()) {
          const frame = readFrame(bytes, offset, salt, fileNumber)!
          expect(frame).toEqual({
            offset,
            type: FrameType.record,
            synced: offset,
            payloadStart: offset + frameHeaderSize,
            payloadEnd: offset + frameHeaderSize + all[i]!.length
          })
          expect(readFrame(bytes, offset, salt + 1, fileNumber)).toBeUndefined()
          expect(readFrame(bytes, offset, salt, fileNumber + 1)).toBeUndefined()
          const moved = Uint8Array.of(0, ...bytes)
          expect(readFrame(moved, offset + 1, salt, fileNumber)).toBeUndefined()
        }
      })
    )
  })

  it("is invalid if any bit is changed or any part is missing", () => {
    const { bytes, offsets } = fileOf([Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(9)], () => 0)
    for (const offset of offsets) {
      const end = readFrame(bytes, offset, salt, fileNumber)!.payloadEnd
      for (let bit = offset * 8; bit < end * 8; bit++) {
        const changed = bytes.slice()
        changed[bit >>> 3]! ^= 1 << (bit & 7)
        expect(readFrame(changed, offset, salt, fileNumber)).toBeUndefined()
      }
      for (let cut = offset; cut < end; cut++) {
        expect(readFrame(bytes.subarray(0, cut), offset, salt, fileNumber)).toBeUndefined()
      }
    }
  })

  it("is not found in arbitrary bytes", () => {
    check(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 100 }), FastCheck.nat(110), (bytes, offset) => {
        expect(readFrame(bytes, offset, salt, fileNumber)).toBeUndefined()
        expect(provesSynced(bytes, offset, salt, fileNumber)).toBe("unproven")
      }),
      300
    )
  })
})

describe("proof of a sync", () => {
  it("is found correctly among small numbers, which look like frames in many places", () => {
    const torn = 61
    const bytes = new Uint8Array(1024 * 1024)
    let state = 7
    for (let at = torn; at + 1 < bytes.length; at += 2) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      bytes[at] = state >>> 30
    }
    expect(provesSynced(bytes, torn, salt, fileNumber)).toBe("unproven")
    const last = bytes.length - frameHeaderSize
    sealFrame(viewOf(bytes), last, 0, FrameType.record, torn + 1, salt, fileNumber, last)
    expect(provesSynced(bytes, torn, salt, fileNumber)).toBe("proven")
    expect(findFrame(bytes, torn, salt, fileNumber)?.offset).toBe(last)
  })

  it("is a later frame that records the sync, and nothing else", () => {
    check(
      FastCheck.property(payloads, FastCheck.nat(), FastCheck.nat(), FastCheck.nat(), (all, s, d, b) => {
        // Frame `s` and later ones say that all before `s` was synced. Frame `d` is damaged at byte
        // `b`.
        const knowing = s % (all.length + 1)
        const damaged = d % all.length
        const places = fileOf(all, () => 0).offsets
        const { bytes, offsets } = fileOf(all, (i) => (i >= knowing ? places[knowing]! : 0))
        const from = offsets[damaged]!
        bytes[from + (b % (frameHeaderSize + all[damaged]!.length))]! ^= 0x55
        const proven = offsets.some((_, i) => i > damaged && i >= knowing && offsets[knowing]! > from)
        expect(provesSynced(bytes, from, salt, fileNumber)).toBe(proven ? "proven" : "unproven")
      }),
      300
    )
  })
})
