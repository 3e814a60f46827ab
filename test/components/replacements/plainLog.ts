import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type LsmOptions, Storage, Wal } from "effect-lsm"

interface Segment {
  readonly fileNumber: number
  readonly file: Storage.StorageFile
}

/** A record that no sync has covered yet. */
interface Pending {
  readonly payload: Uint8Array
  readonly done: Wal.Done
}

const lengthBytes = 4

/**
 * A log of records, each after its length. A record is written at once. One sync covers all records
 * that wait for one.
 */
export const layer = ({ directory }: LsmOptions.LsmOptions): Layer.Layer<Wal.Wal, never, Storage.Storage> =>
  Layer.effect(
    Wal.Wal,
    Effect.map(Storage.Storage, (storage) => {
      const pathOf = (segment: number) => `${directory}/${String(segment).padStart(6, "0")}.log`
      const prepared = new Map<number, Segment>()
      const offered: Array<Segment> = []
      let active: Segment | undefined
      let size = 0
      let hooks: Wal.Hooks | undefined
      let buffer = new Uint8Array(0)
      let failure: Error | undefined
      let pending: Array<Pending> = []
      let isSyncing = false
      const idle: Array<() => void> = []

      const apply = (payload: Uint8Array): void => hooks?.apply(payload, 0, payload.length, active!.fileNumber)

      const append = (payload: Uint8Array): void => {
        const record = new Uint8Array(lengthBytes + payload.length)
        new DataView(record.buffer).setUint32(0, payload.length, true)
        record.set(payload, lengthBytes)
        active!.file.append(record, 0, record.length)
        size += record.length
      }

      const syncPending = (): void => {
        if (isSyncing || active === undefined) return
        if (pending.length === 0) {
          for (const resume of idle.splice(0)) resume()
          return
        }
        isSyncing = true
        const covered = pending
        pending = []
        active.file.sync((failed) => {
          isSyncing = false
          failure = failed
          if (failed === undefined) {
            hooks?.synced(covered.length, 0)
            for (const { payload } of covered) apply(payload)
          }
          for (const { done } of covered) done(failed)
          if (failed === undefined && pending.length === 0) hooks?.settled()
          syncPending()
        })
      }

      /** Waits until all records are synced. */
      const whenIdle = Effect.async<void>((resume) => {
        idle.push(() => resume(Effect.void))
        syncPending()
      })

      const readRecords = (segment: number, use: (bytes: Uint8Array, start: number, end: number) => void): number => {
        const file = storage.driver.openRead(pathOf(segment))
        const bytes = new Uint8Array(file.size())
        file.read(bytes, 0, bytes.length, 0)
        file.close()
        const view = new DataView(bytes.buffer)
        let at = 0
        while (at + lengthBytes <= bytes.length) {
          const end = at + lengthBytes + view.getUint32(at, true)
          if (end > bytes.length) break
          use(bytes, at + lengthBytes, end)
          at = end
        }
        return at
      }

      const replay: Wal.WalService["replay"] = (_storeId, { segments }, applyRecord) =>
        Storage.attempt(() => {
          let records = 0
          let end: Wal.LogEnd = { fileNumber: 0, size: 0, torn: [] }
          for (const fileNumber of segments) {
            const before = records
            const valid = readRecords(fileNumber, (bytes, start, to) => {
              records++
              applyRecord(bytes, start, to, fileNumber)
            })
            if (records > before) end = { fileNumber, size: valid, torn: [] }
          }
          return { records, end, dropped: [], lost: [] }
        })

      return {
        replay,
        prepare: (_storeId, fileNumber) =>
          Effect.gen(function* () {
            const file = yield* Storage.attempt(() => storage.driver.create(pathOf(fileNumber)))
            yield* Storage.syncFile(file)
            yield* storage.syncDirectory(directory)
            prepared.set(fileNumber, { fileNumber, file })
          }),
        unsafeOffer: (fileNumber) => {
          offered.push(prepared.get(fileNumber)!)
          prepared.delete(fileNumber)
        },
        begin: (_storeId, _end, given) =>
          Effect.sync(() => {
            hooks = given
            active = offered.shift()!
          }),
        unsafeReserve: (length) => {
          buffer = new Uint8Array(length)
          return 0
        },
        unsafeBuffer: () => buffer,
        unsafeCommitNow: (mode) => {
          if (mode === Wal.CommitMode.sync || isSyncing || pending.length > 0) return false
          append(buffer)
          apply(buffer)
          hooks?.settled()
          return true
        },
        unsafeCommit: (_mode, done) => {
          append(buffer)
          pending.push({ payload: buffer, done })
          syncPending()
          return false
        },
        unsafeCanRotate: () => offered.length > 0 && pending.length === 0 && !isSyncing,
        unsafeNeedsSegment: () => offered.length === 0,
        unsafeRotate: () => {
          active?.file.close()
          active = offered.shift()!
          size = 0
          return active.fileNumber
        },
        unsafeFailure: () => failure,
        unsafeQueuedBytes: () => 0,
        unsafeUnsyncedBytes: () => 0,
        unsafeIsBusy: () => isSyncing,
        unsafeStatus: () => ({ segment: active?.fileNumber ?? 0, segmentBytes: size }),
        sync: Effect.zipRight(
          whenIdle,
          Effect.suspend(() => Storage.syncFile(active!.file))
        ),
        remove: (segments) => Effect.forEach(segments, (segment) => storage.remove(pathOf(segment)), { discard: true }),
        close: Effect.gen(function* () {
          const { fileNumber, file } = active!
          yield* whenIdle
          yield* Storage.syncFile(file)
          yield* Storage.attempt(() => file.close())
          return { fileNumber, size }
        })
      }
    })
  )
