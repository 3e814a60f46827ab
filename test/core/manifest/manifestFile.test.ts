import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import {
  applyEdit,
  emptyState,
  type ManifestState,
  ManifestWriter,
  readManifest
} from "../../../src/core/manifest/manifestFile.js"
import { decodeVersionEdit, encodeVersionEdit, type VersionEdit } from "../../../src/core/manifest/versionEdit.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { fileHeaderSize } from "../../../src/core/storage/fileHeader.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import { tableStoreId as storeId } from "../../support/tables.js"
import { anyMeta, table as anyTable } from "../../support/versions.js"

/** The part of a `TableMeta` that a manifest stores. */
const table = (...of: Parameters<typeof anyTable>): TableMeta => {
  const { superseded, ...kept } = anyTable(...of)
  expect(superseded).toBeDefined()
  return kept
}

const number = FastCheck.nat(2 ** 48 - 1)
const level = FastCheck.nat(6)

const anyRef = FastCheck.record({ fileNumber: number, entries: number, bytes: number })

const anyEdit: FastCheck.Arbitrary<VersionEdit> = FastCheck.record({
  nextFileNumber: number,
  flushedSequence: number,
  addedSegments: FastCheck.array(number, { maxLength: 3 }),
  removedSegments: FastCheck.array(number, { maxLength: 3 }),
  added: FastCheck.array(
    FastCheck.record({
      level,
      table: FastCheck.tuple(anyMeta, FastCheck.array(anyRef, { maxLength: 3 })).map(([meta, valueRefs]) =>
        valueRefs.length === 0 ? meta : { ...meta, valueRefs }
      )
    }),
    { maxLength: 3 }
  ),
  removed: FastCheck.array(FastCheck.record({ level, fileNumber: number }), { maxLength: 3 }),
  valueFiles: FastCheck.array(
    FastCheck.record({
      kind: FastCheck.constantFrom("values" as const, "log" as const),
      fileNumber: number,
      size: number
    }),
    { maxLength: 3 }
  )
}).map(({ valueFiles, ...edit }) => (valueFiles.length === 0 ? edit : { ...edit, valueFiles }))

const none: VersionEdit = {
  nextFileNumber: 0,
  flushedSequence: 0,
  addedSegments: [],
  removedSegments: [],
  added: [],
  removed: []
}

/** Edits as a store writes them: each is synced before the next. */
const edits: ReadonlyArray<VersionEdit> = [
  { ...none, nextFileNumber: 3, addedSegments: [2] },
  { ...none, nextFileNumber: 5, flushedSequence: 10, added: [{ level: 0, table: table(4, 1, 9) }], addedSegments: [3] },
  {
    ...none,
    nextFileNumber: 6,
    flushedSequence: 20,
    added: [{ level: 0, table: table(5, 3, 5) }],
    removedSegments: [2]
  },
  {
    ...none,
    nextFileNumber: 8,
    added: [
      { level: 1, table: table(6, 1, 4) },
      { level: 1, table: table(7, 5, 9) }
    ],
    removed: [
      { level: 0, fileNumber: 4 },
      { level: 0, fileNumber: 5 }
    ]
  }
]

const states: Array<ManifestState> = [emptyState]
for (const edit of edits) states.push(applyEdit(states.at(-1)!, edit))

const write = (): { readonly bytes: Uint8Array; readonly ends: ReadonlyArray<number> } => {
  const file = new FakeFile()
  const writer = new ManifestWriter(file, 1, storeId, emptyState)
  writer.markSynced()
  const ends = [writer.length]
  for (const edit of edits) {
    writer.append(edit)
    writer.markSynced()
    ends.push(writer.length)
  }
  expect(writer.length).toBe(file.bytes.length)
  return { bytes: file.bytes, ends }
}

const read = (bytes: Uint8Array) => readManifest(bytes, 1, storeId, "MANIFEST-000001")

const outcome = (bytes: Uint8Array) => {
  try {
    return read(bytes)
  } catch (failure) {
    if (failure instanceof CorruptionFailure) return failure
    throw failure
  }
}

describe("a version edit", () => {
  it("round-trips, at any offset", () => {
    check(
      FastCheck.property(anyEdit, (edit) => {
        const bytes = encodeVersionEdit(edit, 3)
        expect(decodeVersionEdit(Uint8Array.of(1, ...bytes, 2), 1, 1 + bytes.length)).toEqual(edit)
      })
    )
  })

  it("decodes from any bytes without a failure", () => {
    check(
      FastCheck.property(anyEdit, FastCheck.nat(), FastCheck.nat(255), FastCheck.nat(), (edit, at, byte, cut) => {
        const bytes = encodeVersionEdit(edit, 3)
        bytes[at % bytes.length] = byte
        const decoded = decodeVersionEdit(bytes, 0, cut % (bytes.length + 1))
        for (const one of decoded?.added ?? []) expect(one.level).toBeLessThan(7)
      }),
      500
    )
    expect(decodeVersionEdit(Uint8Array.of(9, 0, 0, 0, 0, 0, 0), 0, 7)).toBeUndefined()
    expect(decodeVersionEdit(Uint8Array.of(6, 7, 0, 0, 0, 0, 0, 0), 0, 8)).toBeUndefined()
  })
})

describe("a manifest", () => {
  it("round-trips, and a new manifest starts with the whole state", () => {
    const { bytes } = write()
    expect(read(bytes)).toEqual({ state: states.at(-1), storeId, tornBytes: 0 })
    const file = new FakeFile()
    new ManifestWriter(file, 9, storeId, states.at(-1)!)
    expect(readManifest(file.bytes, 9, storeId, "m").state).toEqual(states.at(-1))
  })

  it("torn anywhere in its last edit has the state before it, and reports the torn bytes", () => {
    const { bytes, ends } = write()
    const before = ends.at(-2)!
    for (let length = before; length < bytes.length; length++) {
      expect(read(bytes.subarray(0, length))).toEqual({ state: states.at(-2), storeId, tornBytes: length - before })
    }
  })

  it("with any bit changed before its last edit is corrupt", () => {
    const { bytes, ends } = write()
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice()
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      const result = outcome(changed)
      if (bit >>> 3 < ends.at(-2)!) {
        expect(result).toBeInstanceOf(CorruptionFailure)
        expect(result).toMatchObject({ region: bit < fileHeaderSize * 8 ? "file header" : "manifest edit" })
      } else {
        expect(result).toMatchObject({ state: states.at(-2), tornBytes: bytes.length - ends.at(-2)! })
      }
    }
  })

  it("without a whole first edit is corrupt", () => {
    const { bytes, ends } = write()
    for (let length = 0; length < ends[0]!; length++) {
      expect(outcome(bytes.subarray(0, length))).toBeInstanceOf(CorruptionFailure)
    }
  })

  it("with overlapping tables in a level is corrupt", () => {
    const file = new FakeFile()
    const writer = new ManifestWriter(file, 1, storeId, emptyState)
    writer.append({
      ...none,
      added: [
        { level: 2, table: table(1, 1, 5) },
        { level: 2, table: table(2, 5, 6) }
      ]
    })
    expect(outcome(file.bytes)).toBeInstanceOf(CorruptionFailure)
  })

  it("that names value files has a version that earlier releases refuse, and no other has", () => {
    const versionOf = (bytes: Uint8Array) => bytes[8]
    const plain = new FakeFile()
    const writer = new ManifestWriter(plain, 1, storeId, states.at(-1)!)
    expect([versionOf(plain.bytes), writer.version]).toEqual([1, 1])
    const withValues = { ...table(20, 1, 2), valueRefs: [{ fileNumber: 21, entries: 1, bytes: 8 }] }
    const state = applyEdit(emptyState, {
      ...none,
      nextFileNumber: 22,
      added: [{ level: 3, table: withValues }],
      valueFiles: [{ kind: "log", fileNumber: 21, size: 500 }]
    })
    const file = new FakeFile()
    expect(new ManifestWriter(file, 1, storeId, state).version).toBe(2)
    expect(versionOf(file.bytes)).toBe(2)
    expect(read(file.bytes).state).toEqual(state)
    // The last table goes, and the file with it.
    const after = applyEdit(state, { ...none, removed: [{ level: 3, fileNumber: 20 }] })
    expect(after.version.valueFiles.size).toBe(0)
    const again = new FakeFile()
    new ManifestWriter(again, 1, storeId, after)
    expect(versionOf(again.bytes)).toBe(1)
  })

  it("with another file number or store id is corrupt", () => {
    const { bytes } = write()
    expect(() => readManifest(bytes, 2, storeId, "m")).toThrow(CorruptionFailure)
    expect(() => readManifest(bytes, 1, new Uint8Array(8), "m")).toThrow(CorruptionFailure)
  })
})
