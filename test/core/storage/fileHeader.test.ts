import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { checksum } from "../../../src/core/bytes/checksum.js"
import { maxU48, writeU32 } from "../../../src/core/bytes/encoding.js"
import { CorruptionFailure, FormatFailure } from "../../../src/core/storage/failure.js"
import * as header from "../../../src/core/storage/fileHeader.js"
import { check } from "../../support/property.js"

const storeId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const kinds = ["current", "manifest", "log", "table"] as const
const caught = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (failure) {
    return failure
  }
}

describe("a file header", () => {
  it("reads back, and is rejected as any other kind, number or store", () => {
    check(
      FastCheck.property(
        FastCheck.constantFrom(...kinds),
        FastCheck.integer({ min: 1, max: maxU48 - 1 }),
        FastCheck.uint8Array({ minLength: 8, maxLength: 8 }),
        (kind, fileNumber, id) => {
          const bytes = header.encodeFileHeader({ kind, fileNumber, storeId: id })
          expect(bytes.length).toBe(header.fileHeaderSize)
          const decoded = header.decodeFileHeader(bytes, kind, "f")
          expect(decoded).toEqual({ kind, version: header.formatVersions[kind], fileNumber, storeId: id })
          header.expectHeader(decoded, fileNumber, id, "f")
          for (const other of kinds) {
            if (other !== kind) expect(() => header.decodeFileHeader(bytes, other, "f")).toThrow(CorruptionFailure)
          }
          const another = id.map((byte, i) => (i === fileNumber % 8 ? byte ^ 1 : byte))
          expect(() => header.expectHeader(decoded, fileNumber + 1, id, "f")).toThrow(CorruptionFailure)
          expect(() => header.expectHeader(decoded, fileNumber, another, "f")).toThrow(CorruptionFailure)
          expect(header.saltOf(another)).not.toBe(header.saltOf(id))
        }
      )
    )
  })

  it("is corrupt if any bit is changed or any part is missing", () => {
    const bytes = header.encodeFileHeader({ kind: "table", fileNumber: 7, storeId })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice()
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      const failure = caught(() => header.decodeFileHeader(changed, "table", "000007.sst"))
      expect(failure).toBeInstanceOf(CorruptionFailure)
      expect(failure).toMatchObject({ file: "000007.sst", offset: 0, region: "file header" })
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => header.decodeFileHeader(bytes.subarray(0, length), "table", "f")).toThrow(CorruptionFailure)
    }
  })

  it("of an unknown version is rejected with that version", () => {
    for (const version of [0, header.formatVersions.table + 1, 1000]) {
      const bytes = header.encodeFileHeader({ kind: "table", fileNumber: 7, storeId })
      writeU32(bytes, 8, version)
      writeU32(bytes, 28, checksum(bytes, 0, 28, 0))
      const failure = caught(() => header.decodeFileHeader(bytes, "table", "f"))
      expect(failure).toBeInstanceOf(FormatFailure)
      expect(failure).toMatchObject({ file: "f", version })
    }
  })

  it("of every older version is read", () => {
    for (let version = 1; version <= header.formatVersions.table; version++) {
      const bytes = header.encodeFileHeader({ kind: "table", fileNumber: 7, storeId })
      writeU32(bytes, 8, version)
      writeU32(bytes, 28, checksum(bytes, 0, 28, 0))
      expect(header.decodeFileHeader(bytes, "table", "f")).toMatchObject({ version, fileNumber: 7 })
    }
  })
})
