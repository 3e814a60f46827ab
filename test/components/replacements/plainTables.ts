import { deserialize, serialize } from "node:v8"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type LsmOptions, Memtable, SSTableStore, Storage } from "effect-lsm"
import { ArrayCursor, lookupIn, type Version } from "./arrayCursor.js"

/** Tables as files. Each file holds one array of versions and is read as a whole. */
export const layer = ({
  directory
}: LsmOptions.LsmOptions): Layer.Layer<SSTableStore.SSTableStore, never, Storage.Storage> =>
  Layer.effect(
    SSTableStore.SSTableStore,
    Effect.map(Storage.Storage, (storage) => {
      const open = new Map<number, ReadonlyArray<Version>>()
      const pathOf = (fileNumber: number) => `${directory}/${String(fileNumber).padStart(6, "0")}.sst`

      const versionsOf = (fileNumber: number): ReadonlyArray<Version> => {
        const known = open.get(fileNumber)
        if (known !== undefined) return known
        const file = storage.driver.openRead(pathOf(fileNumber))
        const bytes = new Uint8Array(file.size())
        file.read(bytes, 0, bytes.length, 0)
        file.close()
        const versions = deserialize(bytes) as ReadonlyArray<Version>
        open.set(fileNumber, versions)
        return versions
      }

      const writeTable = (fileNumber: number, versions: ReadonlyArray<Version>) => {
        const path = pathOf(fileNumber)
        const bytes = serialize(versions)
        return Effect.acquireUseRelease(
          Storage.attempt(() => storage.driver.create(path)),
          (file) =>
            Effect.zipRight(
              Storage.attempt(() => file.append(bytes, 0, bytes.length)),
              Storage.syncFile(file)
            ),
          (file) => Effect.sync(() => file.close())
        ).pipe(Effect.as(metaOf(fileNumber, bytes.length, versions)))
      }

      const write: SSTableStore.SSTableStoreService["write"] = ({ cursor, retention, targetSize, allocate }) =>
        Effect.gen(function* () {
          const groups: Array<Array<Version>> = []
          let entriesRead = 0
          let size = Number.POSITIVE_INFINITY
          for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
            entriesRead++
            if (!retention.keeps(cursor)) continue
            const key = cursor.keyBytes.slice(cursor.keyStart, cursor.keyEnd)
            const isDeletion = cursor.kind === Memtable.EntryKind.deletion || retention.hasExpired === true
            const value = isDeletion ? undefined : cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd)
            const last = groups.at(-1)?.at(-1)
            const isNewKey = last === undefined || Buffer.compare(last.key, key) !== 0
            if (isNewKey && size >= targetSize) {
              groups.push([])
              size = 0
            } else if (groups.length === 0) groups.push([])
            size = (Number.isFinite(size) ? size : 0) + key.length + (value?.length ?? 0)
            groups.at(-1)!.push({
              key,
              sequence: cursor.sequence,
              kind: isDeletion ? Memtable.EntryKind.deletion : cursor.kind,
              value
            })
          }
          const tables = yield* Effect.forEach(groups, (versions) => writeTable(allocate(), versions))
          if (tables.length > 0) yield* storage.syncDirectory(directory)
          return { tables, valueFiles: [], entriesRead, entriesDropped: entriesRead - groups.flat().length }
        })

      return {
        unsafeAttach: () => undefined,
        unsafeFind: ({ levels }, key, sequence, _isNewest, result) =>
          levels.findIndex((tables) =>
            tables.some(({ fileNumber }) => lookupIn(versionsOf(fileNumber), key, sequence, result))
          ),
        unsafeCursor: ({ fileNumber }) => new ArrayCursor(versionsOf(fileNumber)),
        // These tables hold all values themselves.
        unsafeValues: () => ({
          read: () => {
            throw new Error("no value is separated")
          }
        }),
        removeValues: () => Effect.void,
        unsafeOffsetOf: ({ fileNumber, size }, key) => {
          const versions = versionsOf(fileNumber)
          const before = versions.filter((version) => Buffer.compare(version.key, key) < 0).length
          return Math.round((before / versions.length) * size)
        },
        write,
        forgetEntries: () => Effect.void,
        unsafeSuperseded: ({ superseded }) => superseded,
        unsafeHasSuperseded: () => false,
        learnSuperseded: () => Effect.void,
        remove: (fileNumber) => {
          open.delete(fileNumber)
          return storage.remove(pathOf(fileNumber))
        },
        unsafeStatus: () => ({
          cache: { bytes: 0, hits: 0, misses: 0, evictions: 0, entryHits: 0 },
          filter: { checks: 0, negatives: 0, falsePositives: 0 },
          openTables: open.size,
          openTableBytes: 0
        })
      }
    })
  )

const metaOf = (fileNumber: number, size: number, versions: ReadonlyArray<Version>): SSTableStore.TableMeta => {
  const expiring = versions.filter(({ kind }) => kind === Memtable.EntryKind.expiringValue)
  const sequences = versions.map(({ sequence }) => sequence)
  const bytesOf = ({ key, value }: Version) => key.length + (value?.length ?? 0)
  const older = versions.filter(({ key }, i) => i > 0 && Buffer.compare(key, versions[i - 1]!.key) === 0)
  return {
    fileNumber,
    size,
    smallestKey: versions[0]!.key,
    largestKey: versions.at(-1)!.key,
    smallestSequence: Math.min(...sequences),
    largestSequence: Math.max(...sequences),
    entries: versions.length,
    deletions: versions.filter(({ kind }) => kind !== Memtable.EntryKind.value).length,
    expiring: {
      entries: expiring.length,
      latest: expiring.reduce((latest, { value }) => Math.max(latest, Buffer.from(value!).readUIntLE(0, 6)), 0)
    },
    ranges: versions.flatMap(({ key, kind, sequence, value }) =>
      kind === Memtable.EntryKind.rangeDeletion
        ? [{ start: key, end: value?.length === 0 ? undefined : value, sequence }]
        : []
    ),
    rawBytes: versions.reduce((n, version) => n + bytesOf(version), 0),
    superseded: { entries: older.length, bytes: older.reduce((n, version) => n + bytesOf(version), 0) }
  }
}
