import { damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { closeQuietly, readExactly, type StorageDriver, type StorageFile } from "../storage/storageDriver.js"
import { walkBlock } from "../table/blockWalk.js"
import { TableFilter } from "../table/filter.js"
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

/**
 * A table file taken as it is found: what of it is sound, whatever else is damaged. Where the index is lost, the data blocks
 * are found by their checksums, as far as they follow each other.
 */
export class InspectedTable {
  properties: TableMeta | undefined
  filter: TableFilter | undefined
  index: TableIndex | undefined
  footer: Footer | undefined
  /** The data blocks, in the order of the file. */
  blocks: ReadonlyArray<Handle> = []
  /** Where no more data blocks could be found, though there may have been some. */
  unreached: { readonly offset: number; readonly bytes: number } | undefined
  private readonly salt: number

  private constructor(
    private readonly driver: StorageDriver,
    readonly path: string,
    readonly fileNumber: number,
    storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
  }

  /** Yields in the course of a long search. @throws FormatFailure, and StorageFailure that is no damage */
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

  /** A data block's contents. The file is opened for it: any number of tables may be under inspection. */
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
    /** Undefined, and reported, where a part is damaged. */
    const sound = <A>(offset: number, region: string, part: () => A): A | undefined => {
      try {
        return part()
      } catch (failure) {
        if (!isDamage(failure)) throw failure
        report(damageOf(failure, offset, region))
        return undefined
      }
    }
    sound(0, "file header", () =>
      expectHeader(decodeFileHeader(readExactly(file, 0, fileHeaderSize), "table", path), fileNumber, storeId, path)
    )
    const size = file.size()
    const footerStart = Math.max(0, size - footerSize)
    const footer = sound(footerStart, "table footer", () => {
      const decoded = decodeFooter(readExactly(file, footerStart, footerSize), this.salt, fileNumber, footerStart)
      return typeof decoded === "string" ? this.fail(footerStart, "table footer", decoded) : decoded
    })
    this.footer = footer
    if (footer !== undefined) {
      this.properties = sound(footer.properties.offset, "table properties", () => {
        const bytes = this.read(file, footer.properties, "table properties")
        const properties = decodeProperties(bytes)
        if (properties === undefined) return this.fail(footer.properties.offset, "table properties", "malformed")
        if (properties.size === size) return properties
        return this.fail(footerStart, "table footer", `${size} bytes, not ${properties.size}`)
      })
      this.filter = sound(footer.filter.offset, "filter", () =>
        footer.filter.length === 0
          ? undefined
          : (TableFilter.decode(this.read(file, footer.filter, "filter")) ??
            this.fail(footer.filter.offset, "filter", "malformed"))
      )
      this.index = sound(footer.index.offset, "index block", () => {
        const block = this.read(file, footer.index, "index block")
        const index = new TableIndex(block, footerStart, () =>
          this.fail(footer.index.offset, "index block", "malformed")
        )
        this.blocks = index.handles()
        return index
      })
    }
    if (this.index === undefined) yield* this.search(file, size)
  }

  /** Finds the data blocks that follow each other from the first on; what lies behind a damaged one cannot be found. */
  private *search(file: StorageFile, size: number): Generator<void, void> {
    const { footer } = this
    const end = footer === undefined ? size : footer.filter.length > 0 ? footer.filter.offset : footer.index.offset
    const blocks: Array<Handle> = []
    this.blocks = blocks
    let at = fileHeaderSize
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
        // Behind the last data block comes a section of another kind: where that is seen, nothing is missing.
        if (!(footer === undefined && isOther)) this.unreached = { offset: at, bytes: Math.max(0, end - at) }
        return
      }
      blocks.push(handle)
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
