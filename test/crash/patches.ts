import { batchSequence } from "../../src/core/log/batchFormat.js"
import { SegmentReader } from "../../src/core/log/logSegment.js"
import { decodeFileHeader, saltOf } from "../../src/core/storage/fileHeader.js"
import { readExactly, type StorageDriver, type StorageFile } from "../../src/core/storage/storageDriver.js"
import { decodeFooter, footerSize } from "../../src/core/table/tableFormat.js"
import type { Patches } from "../support/openStore.js"

/** A log file that ends where its first damaged frame begins. */
export const cutAtDamage = (file: StorageFile): StorageFile => {
  const bytes = readExactly(file, 0, file.size())
  let end = 0
  try {
    const { fileNumber, storeId } = decodeFileHeader(bytes, "log", file.path)
    const reader = new SegmentReader(file.path, fileNumber, bytes, storeId)
    while (reader.next() !== undefined);
    end = reader.position
  } catch {
    return file
  }
  return delegate(file, { size: () => end })
}

/** A log file without its last record, as it is before that record is written. */
export const withoutLastRecord = (file: StorageFile): StorageFile => {
  const { end } = recordsOf(file)
  return delegate(file, { size: () => end })
}

/** The last sequence number of a log file without its last record, and where that record begins. */
export const recordsOf = (file: StorageFile): { readonly end: number; readonly last: number | undefined } => {
  const bytes = readExactly(file, 0, file.size())
  const { fileNumber, storeId } = decodeFileHeader(bytes, "log", file.path)
  const reader = new SegmentReader(file.path, fileNumber, bytes, storeId)
  let end = reader.position
  let last: number | undefined
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    end = frame.offset
    last = batchSequence(bytes, frame.payloadStart) - 1
  }
  return { end, last }
}

/** A table file whose sync leaves out the filter and everything after it. */
export const syncedBeforeFilter = (file: StorageFile): StorageFile => {
  let rest: Uint8Array | undefined
  return delegate(file, {
    append: (source, offset, length) => {
      const bytes = source.slice(offset, offset + length)
      const { fileNumber, storeId } = decodeFileHeader(bytes, "table", file.path)
      const footerStart = length - footerSize
      const footer = decodeFooter(bytes.slice(footerStart), saltOf(storeId), fileNumber, footerStart)
      if (typeof footer === "string") throw new Error(`the table took more than one write: ${footer}`)
      rest = bytes.slice(footer.filter.offset)
      file.append(bytes, 0, footer.filter.offset)
    },
    sync: (done) =>
      file.sync((failure) => {
        if (rest !== undefined) file.append(rest, 0, rest.length)
        rest = undefined
        done(failure)
      })
  })
}

type FilePatch = (file: StorageFile) => StorageFile

/** Patches every file that is opened or created. */
export const onFiles = (opened: FilePatch, created: FilePatch = opened): Patches => ({
  storage: (storage) => {
    const driver: StorageDriver = {
      openRead: (path) => opened(storage.driver.openRead(path)),
      create: (path) => created(storage.driver.create(path)),
      yieldToEventLoop: (next) => storage.driver.yieldToEventLoop(next)
    }
    return { ...storage, driver }
  }
})

export const delegate = (file: StorageFile, changes: Partial<StorageFile>): StorageFile => ({
  path: file.path,
  size: () => file.size(),
  read: (target, offset, length, position) => file.read(target, offset, length, position),
  append: (source, offset, length, ahead) => file.append(source, offset, length, ahead),
  sync: (done) => file.sync(done),
  close: () => file.close(),
  ...changes
})

/** Delays syncs of the files that match `pattern`. */
export const slowSync = (pattern: RegExp, turns = 2000): Patches =>
  onFiles((file) => {
    const wait = (left: number, next: () => void): void =>
      left === 0 ? next() : queueMicrotask(() => wait(left - 1, next))
    return pattern.test(file.path)
      ? delegate(file, { sync: (done) => wait(turns, () => file.sync(done)), isSyncShort: () => false })
      : file
  })

/** Reports syncs of the files that match `pattern` as done without doing them. */
export const withoutSync = (pattern: RegExp): Patches =>
  onFiles((file) =>
    pattern.test(file.path) ? delegate(file, { sync: (done) => queueMicrotask(() => done(undefined)) }) : file
  )
