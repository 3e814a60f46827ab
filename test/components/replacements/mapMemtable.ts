import * as Layer from "effect/Layer"
import { type LsmOptions, Memtable } from "effect-lsm"
import { ArrayCursor, byKeyThenAge, lookupIn, type Version } from "./arrayCursor.js"

/** One memtable as a map. A cursor sorts it. */
class MapMemtable implements Memtable.SingleMemtable, Memtable.BatchTarget {
  private readonly versions = new Map<string, Array<Version>>()
  count = 0
  dataBytes = 0
  largestSequence = 0
  expiring = 0
  readonly rangeDeletions: Array<Memtable.RangeDeletion> = []

  constructor(
    readonly firstSegment: number,
    private readonly budget: number
  ) {}

  get isEmpty(): boolean {
    return this.count === 0
  }
  get memory(): number {
    return this.dataBytes + this.count * 64
  }
  get isFull(): boolean {
    return !this.isEmpty && this.memory >= this.budget
  }

  insert(
    sequence: number,
    kind: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number
  ): void {
    const key = bytes.slice(keyStart, keyEnd)
    const value = kind === Memtable.EntryKind.deletion ? undefined : bytes.slice(valueStart, valueEnd)
    const name = nameOf(key)
    this.versions.set(name, [{ key, sequence, kind, value }, ...(this.versions.get(name) ?? [])])
    if (kind === Memtable.EntryKind.rangeDeletion) {
      this.rangeDeletions.push({ start: key, end: value?.length === 0 ? undefined : value, sequence })
    }
    if (kind === Memtable.EntryKind.expiringValue) this.expiring++
    this.count++
    this.dataBytes += key.length + (value?.length ?? 0)
    this.largestSequence = Math.max(this.largestSequence, sequence)
  }

  lookup(key: Memtable.LookupKey, sequence: number, result: Memtable.LookupResult): boolean {
    const versions = this.versions.get(nameOf(key.bytes.subarray(0, key.length)))
    return versions !== undefined && lookupIn(versions, key, sequence, result)
  }

  newestCursors(sequence: number): ReadonlyArray<Memtable.InternalCursor> {
    const newest = [...this.versions.values()].flatMap(
      (versions) => versions.find((version) => version.sequence <= sequence) ?? []
    )
    return [new ArrayCursor(newest.sort(byKeyThenAge))]
  }

  versionCursors(): ReadonlyArray<Memtable.InternalCursor> {
    return [new ArrayCursor([...this.versions.values()].flat().sort(byKeyThenAge))]
  }

  approximateCount(start: Uint8Array | undefined, end: Uint8Array | undefined): number {
    let count = 0
    for (const [first] of this.versions.values()) {
      const { key } = first!
      const isInside =
        (start === undefined || Buffer.compare(key, start) >= 0) && (end === undefined || Buffer.compare(key, end) < 0)
      if (isInside) count++
    }
    return count
  }
}

const nameOf = (key: Uint8Array): string => Buffer.from(key).toString("latin1")

/** The active memtable and the frozen ones, all as maps. */
export const layer = ({ memtableBytes = 1024 * 1024 }: LsmOptions.LsmOptions): Layer.Layer<Memtable.Memtable> =>
  Layer.sync(Memtable.Memtable, () => {
    let active = new MapMemtable(0, memtableBytes)
    let frozen: ReadonlyArray<MapMemtable> = []
    return {
      unsafeBegin: (segment) => {
        active = new MapMemtable(segment, memtableBytes)
      },
      unsafeApply: (bytes, start, end) => Memtable.applyBatch(bytes, start, end, active),
      unsafeActive: () => active,
      unsafeFrozen: () => frozen,
      unsafeAll: () => [active, ...frozen.toReversed()],
      unsafeFreeze: (segment) => {
        frozen = [...frozen, active]
        active = new MapMemtable(segment, memtableBytes)
      },
      unsafeRelease: (memtable) => {
        frozen = frozen.filter((other) => other !== memtable)
      }
    }
  })
