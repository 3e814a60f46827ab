import { readFileSync } from "node:fs"
import { decodeGeneration, encodeGeneration } from "../../src/core/backup/generationFile.js"
import { ReusableLookupKey } from "../../src/core/bytes/lookupKey.js"
import { LookupResult } from "../../src/core/cursor/lookupResult.js"
import { SegmentScan } from "../../src/core/feed/segmentScan.js"
import { decodeTuple } from "../../src/core/keys/decodeTuple.js"
import { encodeTuple } from "../../src/core/keys/encodeTuple.js"
import { KeyFailure } from "../../src/core/keys/keyFailure.js"
import { Uuid } from "../../src/core/keys/uuid.js"
import { applyBatch, checkBatch } from "../../src/core/log/batchFormat.js"
import { lastSequence } from "../../src/core/log/lastSequence.js"
import { replayLog, SegmentReader } from "../../src/core/log/logSegment.js"
import { emptyState, readManifest } from "../../src/core/manifest/manifestFile.js"
import { decodeVersionEdit, encodeVersionEdit } from "../../src/core/manifest/versionEdit.js"
import { CorruptionFailure } from "../../src/core/storage/failure.js"
import { decodeFileHeader, encodeFileHeader, saltOf } from "../../src/core/storage/fileHeader.js"
import { BlockBuilder } from "../../src/core/table/blockBuilder.js"
import { BlockCursor } from "../../src/core/table/blockCursor.js"
import { findInBlock } from "../../src/core/table/blockLookup.js"
import { type Compressed, compress, decompress, hasZstd } from "../../src/core/table/compression.js"
import { TableFilter } from "../../src/core/table/filter.js"
import { PartitionView } from "../../src/core/table/partition.js"
import { PartitionBuilder } from "../../src/core/table/partitionBuilder.js"
import {
  decodeFooter,
  decodeProperties,
  decodeTableMeta,
  encodeProperties,
  encodeTableMeta,
  footerSize
} from "../../src/core/table/tableFormat.js"
import { TableIndex } from "../../src/core/table/tableIndex.js"
import { ValueFileReader } from "../../src/core/values/valueFileReader.js"
import { ValueFileWriter } from "../../src/core/values/valueFileWriter.js"
import { FileValueSource } from "../../src/core/values/valueSource.js"
import { encodeBatch } from "../support/batches.js"
import { FakeFile } from "../support/fakeFile.js"
import { buildTable, finish, openTable, plainOptions, tableCursor, tableStoreId } from "../support/tables.js"
import { adoptTable, resealFooter, resealFrames, resealHeader, resealTable } from "./reseal.js"
import { entriesOf, entriesOfAllKinds, manifestOf, segmentOf, storeId } from "./seeds.js"

/** A decoder, valid inputs to mutate, and a way to make the checksums of mutated bytes valid. */
export interface Target {
  readonly name: string
  readonly seeds: ReadonlyArray<Uint8Array>
  readonly reseal?: (bytes: Uint8Array) => void
  /**
   * Decodes all of the bytes. Returns false if the decoder refuses them; some decoders throw
   * instead.
   */
  readonly decode: (bytes: Uint8Array) => boolean
}

const malformed = (): never => {
  throw new CorruptionFailure("file", 0, "block", "malformed")
}
const notCanonical = (): never => {
  throw new Error("a tuple that is encoded as other bytes")
}
const key = new ReusableLookupKey()
const found = new LookupResult()
const probes = ["", "k", "key 1", "key 33", "zz"]

const lookIn = (block: Uint8Array): void => {
  for (const probe of probes) {
    for (const sequence of [0, 20, Number.MAX_SAFE_INTEGER])
      findInBlock(block, 0, block.length, key.set(probe), sequence, found)
  }
}

/** Walks a cursor both ways. There cannot be more entries than bytes. */
const walk = (
  cursor: Pick<BlockCursor, "valid" | "seekToFirst" | "seekToLast" | "next" | "prev" | "seek" | "keyBytes" | "keyEnd">,
  bytes: number
): void => {
  for (const [start, move] of [
    ["seekToFirst", "next"],
    ["seekToLast", "prev"]
  ] as const) {
    let count = 0
    for (cursor[start](); cursor.valid; cursor[move]()) {
      if (++count > bytes) throw new Error(`${count} entries in ${bytes} bytes`)
      if (cursor.keyBytes.length > 2 * bytes + 512) throw new Error(`a key buffer of ${cursor.keyBytes.length} bytes`)
    }
  }
  for (const probe of probes) cursor.seek(Buffer.from(probe), probe.length)
}

const blockOf = (count: number, interval: number, value: (i: number) => Uint8Array): Uint8Array => {
  const builder = new BlockBuilder(interval)
  for (let i = 0; i < count; i++) {
    const name = Buffer.from(`key ${String(i).padStart(2, "0")}`)
    const bytes = value(i)
    builder.add(name, 0, name.length, 100 - i, 1, bytes, 0, bytes.length, key.set(name).hash2)
  }
  const { bytes, length } = builder.finish(0)
  return bytes.slice(0, length)
}

/** A partition of blocks of ten bytes with these separators. */
const partitionOf = (separators: ReadonlyArray<string>, rate: number): Uint8Array => {
  const builder = new PartitionBuilder(rate)
  for (const [i, separator] of separators.entries()) {
    key.set(separator)
    builder.addKey(key.hash1, key.hash2)
    builder.addBlock(Buffer.from(separator), 32 + i * 10, 42 + i * 10)
  }
  return builder.finish(0)
}

/** A table that the first release wrote, as file 7 of the store of the other seeds. */
const firstVersion = (): Uint8Array => {
  const bytes = Uint8Array.from(readFileSync(new URL("../fixtures/format-1/000008.sst", import.meta.url)))
  adoptTable(bytes)
  return bytes
}

const table = buildTable(entriesOf(60))
const tableOfAllKinds = buildTable(entriesOfAllKinds(40), { ...plainOptions, allKinds: true })
const tables = [
  table.file.bytes,
  buildTable(entriesOf(3)).file.bytes,
  buildTable(entriesOf(60), { ...plainOptions, blockSize: 600, compression: "deflate" }).file.bytes,
  tableOfAllKinds.file.bytes,
  firstVersion()
]
/** The highest compression ratio of a codec. */
const largestRatio = 32 * 1024
const compressedCodecs: ReadonlyArray<Compressed> = hasZstd ? ["lz4", "deflate", "zstd"] : ["lz4", "deflate"]
const footerAt = table.file.bytes.length - footerSize
const edit = encodeVersionEdit(
  {
    nextFileNumber: 9,
    flushedSequence: 4,
    addedSegments: [5, 6],
    removedSegments: [1],
    added: [
      { level: 1, table: { ...table.meta, valueRefs: [{ fileNumber: 8, entries: 2, bytes: 40 }] } },
      { level: 0, table: { ...tableOfAllKinds.meta, cleared: 3 } }
    ],
    removed: [{ level: 0, fileNumber: 3 }],
    valueFiles: [{ fileNumber: 8, kind: "values", size: 100 }],
    closed: { fileNumber: 6, size: 100 },
    time: 1_700_000_000_000,
    history: { id: 2 ** 47 + 5, since: 4 }
  },
  3
)

const generation = encodeGeneration({
  number: 3,
  storeId,
  madeAt: 1_700_000_000_000,
  sequence: 90,
  state: { ...emptyState, nextFileNumber: 9, segments: [6], closed: { fileNumber: 6, size: 100 } },
  files: [
    { kind: "table", fileNumber: 7, since: 1, size: 900, checksum: 1, sample: 2 },
    { kind: "log", fileNumber: 6, since: 3, size: 100, checksum: 3, sample: 4 }
  ]
})

/** A value file, the handles to its values, and the values. */
const separatedValues = (() => {
  const file = new FakeFile()
  const writer = new ValueFileWriter(file, 8, storeId)
  const values = [5, 40, 300].map((length) => new Uint8Array(length).fill(length))
  const handles = values.map((value) => {
    writer.add(value, 0, value.length)
    return writer.handle.slice()
  })
  writer.finish()
  return { file: file.bytes, values, handles }
})()

const replay = (segments: ReadonlyArray<number>, bytes: ReadonlyMap<number, Uint8Array>, closed?: number): void => {
  const open = (segment: number) => new SegmentReader("file", segment, bytes.get(segment)!, storeId)
  const closing = closed === undefined ? undefined : { fileNumber: segments.at(-1)!, size: closed }
  for (const step of replayLog({ segments, closed: closing, flushedSequence: 0 }, open)) {
    if (step._tag === "End") continue
    applyBatch(step.segment.bytes, step.frame.payloadStart, step.frame.payloadEnd, { insert: () => undefined })
  }
}

/** Decodes bytes inside a larger buffer. The bytes around them must make no difference. */
const withinBounds = (
  bytes: Uint8Array,
  decode: (bytes: Uint8Array, start: number, end: number) => unknown
): boolean => {
  const results = [0, 0xff].map((around) => {
    const padded = new Uint8Array(bytes.length + 80).fill(around)
    padded.set(bytes, 40)
    return JSON.stringify(decode(padded, 40, 40 + bytes.length))
  })
  if (results[0] !== results[1]) throw new Error("bytes outside of the input were decoded")
  return results[0] !== undefined
}

const sound = segmentOf(5, undefined, 3)

export const targets: ReadonlyArray<Target> = [
  {
    name: "file header",
    seeds: [encodeFileHeader({ kind: "table", fileNumber: 7, storeId })],
    reseal: resealHeader,
    decode: (bytes) => {
      decodeFileHeader(bytes, "table", "file")
      return true
    }
  },
  {
    name: "log segment",
    seeds: [
      segmentOf(5, undefined, 6),
      segmentOf(5, undefined, 6, entriesOfAllKinds),
      segmentOf(5, undefined, 0),
      segmentOf(5, { fileNumber: 4, size: 90, synced: true }, 2)
    ],
    reseal: (bytes) => resealFrames(bytes, 5),
    decode: (bytes) => {
      replay([5], new Map([[5, bytes]]), 40)
      replay([5], new Map([[5, bytes]]))
      return true
    }
  },
  {
    name: "log segment after another",
    seeds: [segmentOf(6, { fileNumber: 5, size: sound.length, synced: false }, 4)],
    reseal: (bytes) => resealFrames(bytes, 6),
    decode: (bytes) => {
      const files = new Map([
        [5, sound],
        [6, bytes]
      ])
      replay([5, 6], files)
      return true
    }
  },
  {
    name: "kept segment",
    seeds: [segmentOf(5, undefined, 6, entriesOfAllKinds), segmentOf(5, undefined, 3)],
    reseal: (bytes) => resealFrames(bytes, 5),
    decode: (bytes) => {
      const file = FakeFile.of(bytes)
      const scan = new SegmentScan(file, 5, storeId)
      let records = 0
      for (let record = scan.next(bytes.length); record !== undefined; record = scan.next(bytes.length)) {
        if (++records > bytes.length) throw new Error(`${records} records in ${bytes.length} bytes`)
        checkBatch(record.bytes, record.start, record.end)
      }
      if (!Number.isSafeInteger(finish(lastSequence(file, bytes.length)))) throw new Error("no sequence number")
      return true
    }
  },
  {
    name: "batch",
    seeds: [encodeBatch(entriesOf(12), 7), encodeBatch(entriesOfAllKinds(12), 7), encodeBatch([], 1)],
    decode: (bytes) => {
      applyBatch(bytes, 0, bytes.length, {
        insert: (_, __, ___, ____, keyEnd, _____, end) => {
          if (keyEnd > bytes.length || end > bytes.length) throw new Error("an operation outside the batch")
        }
      })
      return true
    }
  },
  {
    name: "manifest",
    seeds: [
      manifestOf(table.meta),
      manifestOf(tableOfAllKinds.meta, { time: 1_700_000_000_000, history: { id: 77, since: 3 } })
    ],
    reseal: (bytes) => resealFrames(bytes, 8),
    decode: (bytes) => readManifest(bytes, 8, storeId, "file").state.version.tableCount >= 0
  },
  {
    name: "generation of a backup",
    seeds: [generation],
    reseal: (bytes) => resealFrames(bytes, 3),
    decode: (bytes) => decodeGeneration(bytes, 3, storeId, "file").files.length >= 0
  },
  {
    name: "version edit",
    seeds: [edit],
    decode: (bytes) => withinBounds(bytes, decodeVersionEdit)
  },
  {
    name: "table meta",
    seeds: [encodeTableMeta(table.meta)],
    decode: (bytes) => withinBounds(bytes, decodeTableMeta)
  },
  {
    name: "table properties",
    seeds: [
      encodeProperties(table.meta),
      encodeProperties({ ...tableOfAllKinds.meta, cleared: 3 }, 4),
      encodeProperties({
        ...table.meta,
        valueRefs: [
          { fileNumber: 8, entries: 2, bytes: 40 },
          { fileNumber: 9, entries: 1, bytes: 7 }
        ]
      })
    ],
    decode: (bytes) => {
      const properties = decodeProperties(bytes)
      if ((properties?.valueRefs?.length ?? 0) * 18 > bytes.length) throw new Error("more references than bytes")
      return properties !== undefined
    }
  },
  {
    name: "value handle",
    seeds: separatedValues.handles,
    decode: (bytes) => {
      const file = FakeFile.of(separatedValues.file)
      for (const readAhead of [0, 100]) {
        const source = new FileValueSource(() => new ValueFileReader(file, "values", 8, storeId), { readAhead }, "d")
        const value = source.read(bytes, 0, bytes.length)
        if (!separatedValues.values.some((known) => Buffer.compare(known, value) === 0))
          throw new Error("another value")
      }
      return true
    }
  },
  {
    name: "value file",
    seeds: [separatedValues.file],
    reseal: resealHeader,
    decode: (bytes) => {
      const reader = new ValueFileReader(FakeFile.of(bytes), "values", 8, storeId)
      reader.checkHeader()
      const source = new FileValueSource(() => reader, { readAhead: 50 }, "d")
      for (const [i, handle] of separatedValues.handles.entries()) {
        if (Buffer.compare(source.read(handle, 0, handle.length), separatedValues.values[i]!) !== 0)
          throw new Error("another value")
      }
      return true
    }
  },
  {
    name: "block",
    seeds: [1, 4, 16].map((interval) => blockOf(34, interval, (i) => Buffer.from("value".repeat(i % 4)))),
    decode: (bytes) => {
      lookIn(bytes)
      const cursor = new BlockCursor(malformed)
      cursor.open(bytes)
      walk(cursor, bytes.length)
      return true
    }
  },
  {
    name: "compressed section",
    seeds: compressedCodecs.flatMap((codec) => [
      compress(codec, new Uint8Array(3000), 3000, 0)!,
      compress(codec, table.file.bytes, table.file.bytes.length, 0)!
    ]),
    decode: (bytes) => {
      const raws = compressedCodecs.map((codec) => decompress(codec, bytes))
      if (raws.some((raw) => raw !== undefined && raw.length > bytes.length * largestRatio)) {
        throw new Error("more than the codec can hold")
      }
      return raws.some((raw) => raw !== undefined)
    }
  },
  {
    name: "index",
    seeds: [blockOf(20, 16, (i) => Uint8Array.of(i * 5, 5)), blockOf(3, 1, (i) => Uint8Array.of(i * 5, 5))],
    decode: (bytes) => {
      const index = new TableIndex(bytes, 120, malformed)
      // The index searches the block itself at first. Do more searches than that.
      for (let i = 0; i < 20; i++) for (const probe of probes) index.find(Buffer.from(probe), probe.length)
      for (const { offset, length } of index.handles())
        if (offset + length > 120) throw new Error("a block outside the file")
      return true
    }
  },
  {
    name: "filter of version 1",
    seeds: [Uint8Array.from(Buffer.from("4d000000070000007c8ec4cc93cca40dd611", "hex"))],
    decode: (bytes) => {
      const decoded = TableFilter.decode(bytes)
      for (const probe of probes) decoded?.has(key.set(probe))
      return decoded !== undefined
    }
  },
  {
    name: "partition",
    seeds: [
      partitionOf(["key 1", "key 2", "key 33"], 0.01),
      partitionOf(["k", "key 1 with a tail", "z"], 0.5),
      partitionOf(["key 1"], 1)
    ],
    decode: (bytes) =>
      withinBounds(bytes, (within, start, end) => {
        const view = new PartitionView()
        if (!view.open(within, start, end) || !view.isValid(100)) return undefined
        return probes.map((probe) => {
          key.set(probe)
          const block = view.find(key.bytes, key.length)
          if (block > view.count) throw new Error("a block outside the partition")
          if (block === view.count) return [block, view.mayHold(key)]
          if (view.blockEnd(block) > 100 || view.blockStart(block) >= view.blockEnd(block)) {
            throw new Error("a block outside the file")
          }
          return [block, view.mayHold(key), view.separatorIs(block, key.bytes, key.length), view.blockStart(block)]
        })
      })
  },
  {
    name: "footer",
    seeds: [table.file.bytes.slice(footerAt)],
    reseal: (bytes) => resealFooter(bytes, footerAt),
    decode: (bytes) => {
      const footer = decodeFooter(bytes, saltOf(tableStoreId), 7, footerAt)
      if (typeof footer === "string") return false
      for (const { offset, length } of [footer.filter, footer.index, footer.properties]) {
        if (offset + length > footerAt) throw new Error("a section outside the file")
      }
      return true
    }
  },
  {
    name: "table",
    seeds: tables,
    reseal: resealTable,
    decode: (bytes) => {
      const reader = openTable(FakeFile.of(bytes), 16 * 1024)
      for (const probe of probes) reader.find(key.set(probe), 50, found)
      const cursor = tableCursor(reader, { readAhead: 1000, fillCache: false })
      walk(cursor, bytes.length * largestRatio * Math.max(1, reader.index.count))
      return true
    }
  },
  {
    name: "key of a keyspace",
    seeds: [
      encodeTuple(["user\0é😀", "x".repeat(50), -1.5, null, true, new Date(7), [[null, "a"], [], null]]),
      encodeTuple([0n, 255n, -256n, 2n ** 64n, -(2n ** 70n), 2n ** 2100n, -(2n ** 2100n)]),
      encodeTuple([Uint8Array.of(0, 0xff, 0), new Uuid(new Uint8Array(16)), [[[[1n]]]], new Uint8Array(0)])
    ],
    decode: (bytes) => {
      try {
        return Buffer.compare(encodeTuple(decodeTuple(bytes)), bytes) === 0 || notCanonical()
      } catch (failure) {
        if (failure instanceof KeyFailure) return false
        throw failure
      }
    }
  }
]
