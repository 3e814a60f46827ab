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
 * The sound parts of a table file that may be damaged. If the index is lost, the data blocks are
 * located by their checksums, from the first block up to the first damaged one.
 */
export class InspectedTable {
  properties: TableMeta | undefined
  filter: TableFilter | undefined
  index: TableIndex | undefined
  footer: Footer | undefined
  /** The data blocks, in file order. */
  blocks: ReadonlyArray<Handle> = []
  /** The part of the file that may hold more data blocks that could not be located. */
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

  /**
   * Locates the data blocks one after the other, from the first on. Stops at a damaged block,
   * because the start of the next one is then unknown.
   */
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
        // The last data block is followed by a section of another kind. If we reached that, no data
        // block is missing.
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
