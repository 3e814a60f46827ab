import type { LookupKey } from "../bytes/lookupKey.js"
import { damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { closeQuietly, readExactly, type StorageDriver, type StorageFile } from "../storage/storageDriver.js"
import { walkBlock } from "../table/blockWalk.js"
import { TableFilter } from "../table/filter.js"
import { PartitionView } from "../table/partition.js"
import {
  decodeFooter,
  decodeProperties,
  type Footer,
  footerSize,
  type Handle,
  sectionContent,
  sectionTrailerSize,
  type TableMeta
} from "../table/tableFormat.js"
import { TableIndex } from "../table/tableIndex.js"
import { findSectionEnd } from "./sectionScan.js"

/** Leads from a key to the first data block that may hold it. */
interface InspectedIndex {
  readonly find: (key: Uint8Array, length: number) => number
}

/** Says of each key of the table that it may hold it. */
interface InspectedFilter {
  readonly has: (key: LookupKey) => boolean
}

/** A stretch of a file. */
interface Stretch {
  readonly offset: number
  readonly bytes: number
}

/**
 * The sound parts of a table file that may be damaged. If the index, or a part of it, is lost, the
 * data blocks that it led to are located by their checksums, from the first block up to the first
 * damaged one.
 */
export class InspectedTable {
  properties: TableMeta | undefined
  filter: InspectedFilter | undefined
  /** Undefined if any part of it is damaged. */
  index: InspectedIndex | undefined
  footer: Footer | undefined
  /** The data blocks, in file order. */
  blocks: Array<Handle> = []
  /** The parts of the file that may hold more data blocks that could not be located. */
  readonly unreached: Array<Stretch> = []
  private readonly salt: number

  private constructor(
    private readonly driver: StorageDriver,
    readonly path: string,
    readonly fileNumber: number,
    storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
  }

  /**
   * Opens and inspects a table. Yields during a long search for blocks. Reports damage instead of
   * throwing.
   *
   * @throws FormatFailure, and any StorageFailure that is not damage
   */
  static *open(
    driver: StorageDriver,
    path: string,
    fileNumber: number,
    storeId: Uint8Array,
    report: Report
  ): Generator<void, InspectedTable> {
    const table = new InspectedTable(driver, path, fileNumber, storeId)
    let file: StorageFile
    try {
      file = driver.openRead(path)
    } catch (failure) {
      if (!isDamage(failure)) throw failure
      report(damageOf(failure, 0, "file"))
      return table
    }
    try {
      yield* table.inspect(file, storeId, report)
    } finally {
      closeQuietly(file)
    }
    return table
  }

  /**
   * Reads the content of a data block. Opens the file for each call, because any number of tables
   * may be under inspection at once.
   */
  readBlock(handle: Handle): Uint8Array {
    const file = this.driver.openRead(this.path)
    try {
      return this.read(file, handle, "data block")
    } finally {
      closeQuietly(file)
    }
  }

  private *inspect(file: StorageFile, storeId: Uint8Array, report: Report): Generator<void, void> {
    const { fileNumber, path } = this
    /** Reads a part. If the part is damaged, reports that and returns undefined. */
    const sound = <A>(offset: number, region: string, part: () => A): A | undefined => {
      try {
        return part()
      } catch (failure) {
        if (!isDamage(failure)) throw failure
        report(damageOf(failure, offset, region))
        return undefined
      }
    }
    const version = sound(0, "file header", () => {
      const header = decodeFileHeader(readExactly(file, 0, fileHeaderSize), "table", path)
      expectHeader(header, fileNumber, storeId, path)
      return header.version
    })
    const size = file.size()
    const footerStart = Math.max(0, size - footerSize)
    const footer = sound(footerStart, "table footer", () => {
      const decoded = decodeFooter(readExactly(file, footerStart, footerSize), this.salt, fileNumber, footerStart)
      return typeof decoded === "string" ? this.fail(footerStart, "table footer", decoded) : decoded
    })
    this.footer = footer
    if (footer === undefined) return yield* this.search(file, fileHeaderSize, size)
    this.properties = sound(footer.properties.offset, "table properties", () => {
      const bytes = this.read(file, footer.properties, "table properties")
      const properties = decodeProperties(bytes)
      if (properties === undefined) return this.fail(footer.properties.offset, "table properties", "malformed")
      if (properties.size === size) return properties
      return this.fail(footerStart, "table footer", `${size} bytes, not ${properties.size}`)
    })
    const isFirstVersion = version === undefined ? footer.blocks === 0 : version === 1
    if (isFirstVersion) {
      this.filter = sound(footer.filter.offset, "filter", () =>
        footer.filter.length === 0
          ? undefined
          : (TableFilter.decode(this.read(file, footer.filter, "filter")) ??
            this.fail(footer.filter.offset, "filter", "malformed"))
      )
    }
    const index = sound(footer.index.offset, "index block", () => {
      const block = this.read(file, footer.index, "index block")
      const opened = new TableIndex(block, footerStart, () =>
        this.fail(footer.index.offset, "index block", "malformed")
      )
      return { opened, handles: opened.handles() }
    })
    const { offset, length } = footer.filter
    const end = isFirstVersion && length === 0 ? footer.index.offset : offset
    if (index === undefined) yield* this.search(file, fileHeaderSize, end)
    else if (isFirstVersion) {
      this.blocks = index.handles
      this.index = index.opened
    } else {
      const read = (handle: Handle) =>
        sound(handle.offset, "index partition", () => {
          const bytes = this.read(file, handle, "index partition")
          return inspectPartition(bytes, end) ?? this.fail(handle.offset, "index partition", "malformed")
        })
      yield* this.inspectPartitions(file, index.handles.map(read), index.opened, end)
    }
  }

  /** Takes the blocks from the partitions, and searches for those of damaged ones. */
  private *inspectPartitions(
    file: StorageFile,
    partitions: ReadonlyArray<InspectedPartition | undefined>,
    top: TableIndex,
    end: number
  ): Generator<void, void> {
    let at = fileHeaderSize
    for (const [i, partition] of partitions.entries()) {
      if (partition === undefined) {
        const next = partitions.slice(i + 1).find((later) => later !== undefined)
        yield* this.search(file, at, next === undefined ? end : next.blocks[0]!.offset)
        if (next === undefined) return
        at = next.blocks[0]!.offset
      } else {
        for (const handle of partition.blocks) this.blocks.push(handle)
        const last = partition.blocks.at(-1)!
        at = last.offset + last.length + sectionTrailerSize
      }
    }
    if (!partitions.every((partition) => partition !== undefined)) return
    this.index = {
      find: (key, length) => {
        const number = top.find(key, length)
        const before = partitions.slice(0, number).reduce((sum, { blocks }) => sum + blocks.length, 0)
        return before + (partitions[number]?.find(key, length) ?? 0)
      }
    }
    this.filter = { has: (key) => partitions[top.find(key.bytes, key.length)]?.mayHold(key) ?? false }
  }

  /**
   * Locates the data blocks in a stretch one after the other, from the first on. Stops at a damaged
   * block, because the start of the next one is then unknown.
   */
  private *search(file: StorageFile, start: number, end: number): Generator<void, void> {
    const { footer } = this
    let at = start
    while (footer === undefined || at < end) {
      let isOther = false
      let handle: Handle | undefined
      try {
        handle = yield* findSectionEnd(file, at, end, this.salt, this.fileNumber, (candidate) => {
          isOther = true
          return typeof this.walk(file, candidate) !== "string"
        })
      } catch (failure) {
        if (!isDamage(failure)) throw failure
      }
      if (handle === undefined) {
        // The last data block is followed by a section of another kind. If we reached that, no data
        // block is missing.
        if (!(footer === undefined && isOther)) this.unreached.push({ offset: at, bytes: Math.max(0, end - at) })
        return
      }
      this.blocks.push(handle)
      at = handle.offset + handle.length + sectionTrailerSize
    }
  }

  private walk(file: StorageFile, handle: Handle): ReturnType<typeof walkBlock> {
    try {
      return walkBlock(this.read(file, handle, "data block"))
    } catch (failure) {
      if (failure instanceof CorruptionFailure) return failure.reason
      throw failure
    }
  }

  private read(file: StorageFile, { offset, length }: Handle, region: string): Uint8Array {
    const bytes = readExactly(file, offset, length + sectionTrailerSize)
    const content = sectionContent(bytes, 0, length, this.salt, this.fileNumber, offset)
    return typeof content === "string" ? this.fail(offset, region, content) : content
  }

  private fail(offset: number, region: string, reason: string): never {
    throw new CorruptionFailure(this.path, offset, region, reason)
  }
}

/** A sound partition of the index of a table. */
interface InspectedPartition extends InspectedIndex {
  readonly blocks: ReadonlyArray<Handle>
  readonly mayHold: (key: LookupKey) => boolean
}

/** Returns undefined if the bytes are not a partition whose blocks end at or before `limit`. */
const inspectPartition = (bytes: Uint8Array, limit: number): InspectedPartition | undefined => {
  const view = new PartitionView()
  if (!view.open(bytes, 0, bytes.length) || !view.isValid(limit)) return undefined
  const blocks = Array.from({ length: view.count }, (_, i): Handle => {
    const offset = view.blockStart(i)
    return { offset, length: view.blockEnd(i) - sectionTrailerSize - offset }
  })
  return { blocks, find: (key, length) => view.find(key, length), mayHold: (key) => view.mayHold(key) }
}
