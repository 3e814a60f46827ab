import { describe, expect, it } from "@effect/vitest"
import { emptyState } from "../../../src/core/manifest/manifestFile.js"
import { orphansAmong, withoutStore } from "../../../src/core/manifest/orphans.js"
import { encodeFileHeader, type FileKind } from "../../../src/core/storage/fileHeader.js"
import { MemoryDisk } from "../../../src/core/storage/memoryFile.js"

const directory = "/store"
const ours = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const theirs = Uint8Array.from([8, 7, 6, 5, 4, 3, 2, 1])

const makeDisk = () => {
  const disk = new MemoryDisk()
  disk.makeDirectory(directory)
  const write = (name: string, bytes: Uint8Array) => {
    const file = disk.create(`${directory}/${name}`)
    file.append(bytes, 0, bytes.length)
    file.close()
  }
  const add = (name: string, kind: FileKind, fileNumber: number, storeId: Uint8Array) =>
    write(name, encodeFileHeader({ kind, fileNumber, storeId }))
  return { disk, write, add }
}

describe("orphans", () => {
  const state = { ...emptyState, nextFileNumber: 9, segments: [3] }
  const known = { state, storeId: ours, manifestNumber: 2 }

  it("are files that belong to the store but that its state does not name", () => {
    const { disk, write, add } = makeDisk()
    add("MANIFEST-000002", "manifest", 2, ours)
    add("000003.log", "log", 3, ours)
    write("CURRENT", encodeFileHeader({ kind: "current", fileNumber: 2, storeId: ours }))
    write("LOCK", new Uint8Array(3))
    // Not named by the state.
    add("000005.sst", "table", 5, ours)
    add("000004.log", "log", 4, ours)
    add("MANIFEST-000001", "manifest", 1, ours)
    add("CURRENT-000006.tmp", "current", 6, ours)
    // A header cut short by a crash.
    write("000007.sst", encodeFileHeader({ kind: "table", fileNumber: 7, storeId: ours }).subarray(0, 5))
    // Not the store's.
    add("000008.log", "log", 8, theirs)
    write("20240131.log", new TextEncoder().encode("an application's own log"))
    write("notes.txt", new Uint8Array(0))
    expect(orphansAmong(disk, directory, disk.list(directory), known)).toStrictEqual([
      "000004.log",
      "000005.sst",
      "000007.sst",
      "CURRENT-000006.tmp",
      "MANIFEST-000001"
    ])
  })

  it("in a directory without a store are the files of any store", () => {
    const { disk, write, add } = makeDisk()
    add("MANIFEST-000001", "manifest", 1, ours)
    add("CURRENT-000001.tmp", "current", 1, theirs)
    write("20240131.log", new TextEncoder().encode("an application's own log"))
    expect(orphansAmong(disk, directory, disk.list(directory), withoutStore(1))).toStrictEqual([
      "CURRENT-000001.tmp",
      "MANIFEST-000001"
    ])
  })
})
