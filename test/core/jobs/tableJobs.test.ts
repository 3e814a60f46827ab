import { describe, expect, it } from "vitest"
import { type FlushRequest, type JobStorage, SegmentFailure, TableJobs } from "../../../src/core/jobs/tableJobs.js"
import { logName, tableName, valuesName } from "../../../src/core/storage/fileNames.js"
import { MemoryDisk } from "../../../src/core/storage/memoryFile.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { collect } from "../../support/entries.js"
import { segmentNumber, segmentOf } from "../../support/segments.js"
import { openTable, tableCursor, tableStoreId } from "../../support/tables.js"

const directory = "/store"
const options: FlushRequest["options"] = {
  directory,
  maxOpenTables: 2,
  valueThreshold: Number.POSITIVE_INFINITY,
  valueFileBytes: 1024 * 1024,
  blockBytes: 4096,
  restartInterval: 16,
  filterFalsePositiveRate: 0.01,
  compression: ["none"],
  fileMode: 0o600,
  directoryMode: 0o700
}

const numbers = (from: number) => Array.from({ length: 20 }, (_, i) => from + i)

/** So large that a job takes several slices. */
const large = 100 * 1024

const entriesOf = (count: number, valueBytes: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: Uint8Array.of((i * 7) % 256),
    sequence: i + 1,
    value: new Uint8Array(valueBytes).fill(i)
  }))

const world = (count = 20, valueBytes = large) => {
  const disk = new MemoryDisk()
  disk.makeDirectory(directory)
  const entries = entriesOf(count, valueBytes)
  disk.place(`${directory}/${logName(segmentNumber)}`, segmentOf(entries, tableStoreId))
  const turns: Array<string> = []
  const storageOf = (name: string): JobStorage => ({
    driver: disk,
    turn: (next) =>
      void setImmediate(() => {
        turns.push(name)
        next()
      }),
    remove: (path, done) => {
      disk.remove(path)
      done(undefined)
    },
    syncDirectory: (path, done) => disk.syncDirectory(path, done)
  })
  const request = (fileNumber: number): FlushRequest => ({
    options,
    storeId: tableStoreId,
    segment: segmentNumber,
    sequences: { first: 1, last: count },
    snapshots: [],
    fileNumbers: [fileNumber]
  })
  const tables = () => disk.list(directory).filter((name) => name.endsWith(".sst"))
  const mergeOf = (table: TableMeta, fileNumbers: ReadonlyArray<number>) => ({
    options,
    storeId: tableStoreId,
    runs: [[table]],
    below: [],
    snapshots: [],
    targetSize: Number.POSITIVE_INFINITY,
    level: 1,
    collect: [],
    fileNumbers
  })
  return { disk, entries, mergeOf, request, storageOf, tables, turns }
}

describe("table jobs", () => {
  it("flush a segment to a table of the newest versions", async () => {
    const { disk, request, storageOf } = world(300, 100)
    const result = await new TableJobs().flush(storageOf("flush"), request(9)).outcome
    expect(result).toMatchObject({ entriesRead: 300, entriesDropped: 44 })
    const cursor = tableCursor(openTable(disk.openRead(`${directory}/${tableName(9)}`), 0, 9))
    const found = collect(cursor).map(({ key, sequence }) => [key[0], sequence])
    expect(found.length).toBe(256)
    expect(found).toContainEqual([7, 258])
  })

  it("keep the versions that snapshots see", async () => {
    const { request, storageOf } = world(300, 100)
    const job = new TableJobs().flush(storageOf("flush"), { ...request(9), snapshots: [10, 20] })
    expect(await job.outcome).toMatchObject({ entriesDropped: 24 })
  })

  it("merge no slice while a flush is under way", async () => {
    const { mergeOf, request, storageOf, turns } = world(100)
    const jobs = new TableJobs()
    const written = await jobs.flush(storageOf("first"), request(9)).outcome
    const merge = jobs.merge(storageOf("merge"), mergeOf(written!.tables[0]!, [10]))
    while (turns.filter((name) => name === "merge").length < 3) await new Promise(setImmediate)
    const flush = jobs.flush(storageOf("flush"), request(11))
    await flush.outcome
    const during = turns.slice(turns.indexOf("flush"), turns.lastIndexOf("flush"))
    // One turn of the merge may have been under way when the flush began.
    expect(during.filter((name) => name === "merge").length).toBeLessThan(2)
    expect(during.length).toBeGreaterThan(10)
    expect(await merge.outcome).toMatchObject({ entriesRead: 100 })
    expect(turns.slice(turns.lastIndexOf("flush")).filter((name) => name === "merge").length).toBeGreaterThan(10)
  })

  it("end a cancelled merge although a flush is under way, and remove its table", async () => {
    const { mergeOf, request, storageOf, tables, turns } = world(100)
    const jobs = new TableJobs()
    const written = await jobs.flush(storageOf("first"), request(9)).outcome
    const merge = jobs.merge(storageOf("merge"), mergeOf(written!.tables[0]!, [10]))
    while (!turns.includes("merge")) await new Promise(setImmediate)
    const flush = jobs.flush(storageOf("flush"), request(11))
    for (let i = 0; i < 3; i++) await new Promise(setImmediate)
    merge.cancel()
    expect(await merge.outcome).toBeUndefined()
    expect(turns.filter((name) => name === "flush").length).toBeLessThan(20)
    await flush.outcome
    expect(tables().sort()).toStrictEqual([tableName(9), tableName(11)])
  })

  it("remove the table of a cancelled flush, and let merges go on", async () => {
    const { mergeOf, request, storageOf, tables } = world(100)
    const jobs = new TableJobs()
    const written = await jobs.flush(storageOf("first"), request(9)).outcome
    const flush = jobs.flush(storageOf("flush"), request(10))
    await new Promise(setImmediate)
    flush.cancel()
    expect(await flush.outcome).toBeUndefined()
    expect(tables()).toStrictEqual([tableName(9)])
    expect(await jobs.merge(storageOf("merge"), mergeOf(written!.tables[0]!, [11])).outcome).toMatchObject({
      entriesRead: 100
    })
  })

  it("separate large values, and write those of collected files anew", async () => {
    const { disk, mergeOf, request, storageOf } = world(40)
    const jobs = new TableJobs()
    const separated = { ...options, valueThreshold: large }
    const written = await jobs.flush(storageOf("flush"), { ...request(9), options: separated, fileNumbers: numbers(9) })
      .outcome
    const { tables, valueFiles } = written!
    expect(valueFiles.length).toBeGreaterThan(2)
    expect(tables[0]!.valueRefs!.map(({ fileNumber }) => fileNumber)).toEqual(valueFiles.map((file) => file.fileNumber))
    const collected = valueFiles[0]!.fileNumber
    const merge = { ...mergeOf(tables[0]!, numbers(100)), options: separated, collect: [collected] }
    const merged = (await jobs.merge(storageOf("merge"), merge).outcome)!
    const refs = merged.tables[0]!.valueRefs!.map(({ fileNumber }) => fileNumber)
    expect(refs).not.toContain(collected)
    expect(refs).toEqual([
      ...valueFiles.slice(1).map(({ fileNumber }) => fileNumber),
      ...merged.valueFiles.map(({ fileNumber }) => fileNumber)
    ])
    for (const { fileNumber, size } of merged.valueFiles) {
      expect(disk.contents().get(`${directory}/${valuesName(fileNumber)}`)!.length).toBe(size)
    }
  })

  it("fail with the segment's fault, and write no table", async () => {
    const { disk, request, storageOf, tables } = world()
    const jobs = new TableJobs()
    const fails = (changed: Partial<FlushRequest>) =>
      expect(jobs.flush(storageOf("flush"), { ...request(9), ...changed }).outcome).rejects.toThrow(SegmentFailure)
    await fails({ sequences: { first: 1, last: 19 } })
    await fails({ sequences: { first: 1, last: 21 } })
    await fails({ segment: segmentNumber + 1 })
    await fails({ storeId: new Uint8Array(8) })
    disk.remove(`${directory}/${logName(segmentNumber)}`)
    await fails({})
    expect(tables()).toStrictEqual([])
  })

  it("keep no more than maxOpenTables inputs open", async () => {
    const { disk, entries, request, storageOf } = world(30)
    const jobs = new TableJobs()
    const tables: Array<TableMeta> = []
    for (let n = 0; n < 5; n++) {
      const segment = segmentOf(entries.slice(n * 6, n * 6 + 6), tableStoreId)
      disk.remove(`${directory}/${logName(segmentNumber)}`)
      disk.place(`${directory}/${logName(segmentNumber)}`, segment)
      const sequences = { first: n * 6 + 1, last: n * 6 + 6 }
      const written = await jobs.flush(storageOf("flush"), { ...request(20 + n), sequences }).outcome
      tables.push(written!.tables[0]!)
    }
    let open = 0
    let most = 0
    const storage = storageOf("merge")
    const counting: JobStorage = {
      ...storage,
      driver: {
        create: (path) => disk.create(path),
        yieldToEventLoop: setImmediate,
        openRead: (path) => {
          const file = disk.openRead(path)
          most = Math.max(most, ++open)
          const close = file.close.bind(file)
          file.close = () => {
            open--
            close()
          }
          return file
        }
      }
    }
    const request5 = {
      options,
      storeId: tableStoreId,
      runs: tables.map((table) => [table]),
      below: [],
      collect: [],
      snapshots: [],
      targetSize: 1000,
      level: 1,
      fileNumbers: Array.from({ length: 40 }, (_, i) => 40 + i)
    }
    expect(await jobs.merge(counting, request5).outcome).toMatchObject({ entriesRead: 30 })
    expect([most, open]).toStrictEqual([2, 0])
  })
})
