import { describe, expect, it } from "@effect/vitest"
import { generationName, generationOf, isBackupName, nameInBackup } from "../../../src/core/backup/backupNames.js"
import { decodeGeneration, encodeGeneration, type Generation } from "../../../src/core/backup/generationFile.js"
import { emptyState } from "../../../src/core/manifest/manifestFile.js"

const storeId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const generation: Generation = {
  number: 12,
  storeId,
  madeAt: 1_900_000_000_123,
  sequence: 2 ** 40,
  state: { ...emptyState, nextFileNumber: 9, flushedSequence: 7, segments: [6], closed: { fileNumber: 6, size: 100 } },
  files: [
    { kind: "table", fileNumber: 2 ** 41, since: 1, size: 2 ** 35, checksum: 2 ** 32 - 1, sample: 0 },
    { kind: "values", fileNumber: 5, since: 12, size: 40, checksum: 1, sample: 2 },
    { kind: "log", fileNumber: 6, since: 12, size: 100, checksum: 3, sample: 4 }
  ]
}

describe("the list of a generation", () => {
  it("is decoded as it was encoded", () => {
    const bytes = encodeGeneration(generation)
    expect(decodeGeneration(bytes, 12, storeId, "list")).toEqual(generation)
  })

  it("is refused with any bit flipped, cut, longer, or under another number or store", () => {
    const bytes = encodeGeneration(generation)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice()
      flipped[at] = flipped[at]! ^ 4
      expect(() => decodeGeneration(flipped, 12, storeId, "list"), `byte ${at}`).toThrow()
      expect(() => decodeGeneration(bytes.slice(0, at), 12, storeId, "list"), `cut at ${at}`).toThrow()
    }
    const longer = new Uint8Array(bytes.length + 1)
    longer.set(bytes)
    expect(() => decodeGeneration(longer, 12, storeId, "list")).toThrow("bytes behind its end")
    expect(() => decodeGeneration(bytes, 13, storeId, "list")).toThrow("the header says file 12")
    expect(() => decodeGeneration(bytes, 12, storeId.toReversed(), "list")).toThrow("another store")
  })
})

describe("the names of a backup", () => {
  it("are those of the store with the generation that brought the file", () => {
    expect(nameInBackup("table", 3, 1)).toBe("000003-000001.sst")
    expect(nameInBackup("values", 1_234_567, 12)).toBe("1234567-000012.val")
    expect(nameInBackup("log", 3, 1)).toBe("000003-000001.log")
    expect(generationOf(generationName(12))).toBe(12)
  })

  it("are told from all others", () => {
    for (const name of [
      "GENERATION-12",
      "GENERATION-000000",
      "GENERATION-000012.tmp",
      "GENERATION-0000012",
      "CURRENT"
    ]) {
      expect(generationOf(name), name).toBeUndefined()
    }
    for (const name of ["000003.sst", "BACKUP", "000003-000001.txt", "3-1.sst", "my 000003-000001.sst", "LOCK"]) {
      expect(isBackupName(name), name).toBe(false)
    }
    for (const name of ["GENERATION-000012", "GENERATION-000012.tmp", "000003-000001.sst"]) {
      expect(isBackupName(name), name).toBe(true)
    }
  })
})
