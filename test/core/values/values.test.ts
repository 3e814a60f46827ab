import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { CorruptionFailure, FormatFailure, StorageFailure } from "../../../src/core/storage/failure.js"
import { fileHeaderSize } from "../../../src/core/storage/fileHeader.js"
import type { StorageFile } from "../../../src/core/storage/storageDriver.js"
import { openValueFile } from "../../../src/core/values/valueFileReader.js"
import { ValueFileWriter } from "../../../src/core/values/valueFileWriter.js"
import * as handles from "../../../src/core/values/valueHandle.js"
import { ValueRefs } from "../../../src/core/values/valueRefs.js"
import { FileValueSource, type ValueSourceOptions } from "../../../src/core/values/valueSource.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import { tableStoreId as storeId } from "../../support/tables.js"

/** Values of all sizes: many small ones, and some that are larger than a piece that is written. */
const anyValues = FastCheck.array(
  FastCheck.oneof(
    { weight: 6, arbitrary: FastCheck.integer({ min: 1, max: 300 }) },
    { weight: 2, arbitrary: FastCheck.integer({ min: 4000, max: 70_000 }) },
    { weight: 1, arbitrary: FastCheck.constantFrom(32 * 1024 - 1, 32 * 1024, 64 * 1024, 64 * 1024 + 1) }
  ),
  { minLength: 1, maxLength: 30 }
).map((lengths) => lengths.map((length, i) => Uint8Array.from({ length }, (_, at) => (at * 7 + i * 31 + length) & 255)))

const write = (values: ReadonlyArray<Uint8Array>, fileNumber = 5) => {
  const file = new FakeFile(`/d/${String(fileNumber).padStart(6, "0")}.val`)
  const writer = new ValueFileWriter(file, fileNumber, storeId)
  const written = values.map((value, i) => {
    const padded = new Uint8Array(value.length + 9)
    padded.set(value, i % 5)
    writer.add(padded, i % 5, (i % 5) + value.length)
    return writer.handle.slice()
  })
  return { file, handles: written, meta: writer.finish() }
}

/** Much faster than `toEqual`. */
const expectSame = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0)

const missing = (path: string): never => {
  throw new StorageFailure("open", path, "ENOENT")
}

const open = (files: ReadonlyArray<FakeFile>, fileNumber: number) =>
  openValueFile((path) => files.find((file) => file.path === path) ?? missing(path), "/d", fileNumber, storeId)

const sourceOf = (files: ReadonlyArray<FakeFile>, options: ValueSourceOptions) =>
  new FileValueSource((fileNumber) => open(files, fileNumber), options, "/d")

describe("a value file", () => {
  it("returns every value by its handle, in any order, with and without reading ahead", () => {
    check(
      FastCheck.property(
        anyValues,
        FastCheck.constantFrom(0, 20_000, 64 * 1024),
        FastCheck.boolean(),
        FastCheck.array(FastCheck.nat(), { maxLength: 40 }),
        (values, readAhead, giveValues, order) => {
          const first = write(values)
          const second = write(values.toReversed(), 6)
          expect(first.meta).toEqual({ fileNumber: 5, kind: "values", size: first.file.bytes.length })
          expect(first.meta.size).toBe(fileHeaderSize + values.reduce((n, { length }) => n + length, 0))
          const source = sourceOf([first.file, second.file], { readAhead, giveValues })
          const padded = (handle: Uint8Array) => Uint8Array.of(1, 2, 3, ...handle, 4)
          const read = (handle: Uint8Array) => source.read(padded(handle), 3, 3 + handle.length)
          for (const [i, value] of values.entries()) {
            expectSame(read(first.handles[i]!), value)
            expectSame(read(second.handles[values.length - 1 - i]!), value)
          }
          for (const [i, value] of [...values.entries()].reverse()) expectSame(read(first.handles[i]!), value)
          for (const choice of order) {
            const i = choice % values.length
            expectSame(read(first.handles[i]!), values[i]!)
          }
        }
      ),
      60
    )
  })

  it("reads values that follow each other with few reads, and others with one read each", () => {
    const values = Array.from({ length: 64 }, (_, i) => new Uint8Array(1000).fill(i))
    const { file, handles: all } = write(values)
    let reads = 0
    const counting: StorageFile = {
      path: file.path,
      size: () => file.size(),
      read: (target, offset, length, position) => {
        reads++
        return file.read(target, offset, length, position)
      },
      append: () => undefined,
      sync: () => undefined,
      close: () => undefined
    }
    const reader = openValueFile(() => counting, "/d", 5, storeId)
    const readsOf = (options: ValueSourceOptions, order: ReadonlyArray<Uint8Array>): number => {
      reads = 0
      const source = new FileValueSource(() => reader, options, "/d")
      for (const handle of order) source.read(handle, 0, handle.length)
      return reads
    }
    expect(readsOf({ readAhead: 64 * 1024 }, all)).toBeLessThan(6)
    expect(readsOf({ readAhead: 0 }, all)).toBe(64)
    expect(
      readsOf(
        { readAhead: 64 * 1024 },
        all.filter((_, i) => i % 2 === 0)
      )
    ).toBe(32)
  })

  it("never returns a damaged value: any bit changed, or cut anywhere", () => {
    const values = [3, 60, 17].map((length) => new Uint8Array(length).fill(length))
    const { file, handles: all } = write(values)
    const outcomes = (bytes: Uint8Array): ReadonlyArray<unknown> => {
      const damaged = FakeFile.of(bytes, file.path)
      return [0, 1000].flatMap((readAhead) => {
        const source = sourceOf([damaged], { readAhead })
        return all.map((handle, i) => {
          try {
            expectSame(source.read(handle, 0, handle.length), values[i]!)
            return "right"
          } catch (failure) {
            if (failure instanceof FormatFailure) return "refused"
            expect(failure).toBeInstanceOf(CorruptionFailure)
            expect(failure).toMatchObject({ file: file.path })
            const { region, offset } = failure as CorruptionFailure
            if (region === "value") expect(offset).toBe(Math.min(bytes.length, handles.handleOffset(handle, 0)))
            else expect(region).toBe("file header")
            return "refused"
          }
        })
      })
    }
    for (let bit = 0; bit < file.bytes.length * 8; bit++) {
      const bytes = file.bytes.slice()
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      expect(outcomes(bytes), `bit ${bit}`).toContain("refused")
    }
    for (let length = 0; length < file.bytes.length; length++) {
      expect(outcomes(file.bytes.slice(0, length)), `${length} bytes`).toContain("refused")
    }
  })

  it("rejects a handle to another place, of another length, or of another file or store", () => {
    const same = new Uint8Array(50).fill(7)
    const { file, handles: all } = write([same, same])
    const other = write([same, same], 6)
    const source = sourceOf([file, other.file], { readAhead: 0 })
    const changed = (change: (handle: Uint8Array) => void): Uint8Array => {
      const handle = all[0]!.slice()
      change(handle)
      return handle
    }
    const wrong = [
      changed((handle) => handle.set(all[1]!.subarray(6, 12), 6)),
      changed((handle) => handle.set(other.handles[0]!.subarray(0, 6), 0)),
      changed((handle) => handle.fill(0xff, 12, 16)),
      changed((handle) => handle.fill(0xff, 6, 12)),
      changed((handle) => handle.fill(0, 6, 12)),
      all[0]!.slice(0, 19)
    ]
    for (const handle of wrong) expect(() => source.read(handle, 0, handle.length)).toThrow(CorruptionFailure)
    expect(() => openValueFile(() => file, "/d", 5, new Uint8Array(8))).toThrow(CorruptionFailure)
    expect(() => openValueFile(() => file, "/d", 6, storeId)).toThrow(CorruptionFailure)
    expect(() => open([], 5)).toThrow(StorageFailure)
  })

  it("keeps a given value when the source goes on", () => {
    const values = Array.from({ length: 40 }, (_, i) => new Uint8Array(900).fill(i))
    const { file, handles: all } = write(values)
    for (const giveValues of [true, false]) {
      const source = sourceOf([file], { readAhead: 4000, giveValues })
      const kept = all.map((handle) => source.read(handle, 0, handle.length))
      for (const [i, value] of kept.entries()) expectSame(value, values[i]!)
    }
  })
})

describe("the handles of a table", () => {
  it("are counted by file, in order", () => {
    const refs = new ValueRefs()
    const handle = new Uint8Array(handles.valueHandleSize)
    for (const [fileNumber, length] of [
      [9, 5],
      [3, 10],
      [9, 7]
    ] as const) {
      handles.writeValueHandle(handle, fileNumber, 32, length, 1)
      refs.add(handle, 0)
    }
    expect(refs.take()).toEqual([
      { fileNumber: 3, entries: 1, bytes: 10 },
      { fileNumber: 9, entries: 2, bytes: 12 }
    ])
    expect(refs.take()).toEqual([])
  })
})
