import { Memtable } from "effect-lsm"

/** One version of a key. A deletion has no value. A range deletion has a value, its end. */
export interface Version {
  readonly key: Uint8Array
  readonly sequence: number
  readonly kind: number
  readonly value: Uint8Array | undefined
}

/** Orders by key, then from the newest version to the oldest. */
export const byKeyThenAge = (a: Version, b: Version): number => Buffer.compare(a.key, b.key) || b.sequence - a.sequence

const empty = new Uint8Array(0)

/** A cursor over sorted versions. */
export class ArrayCursor implements Memtable.InternalCursor {
  readonly keyStart = 0
  readonly valueStart = 0
  readonly valueIsOwn = false
  private at = -1

  constructor(private readonly versions: ReadonlyArray<Version>) {}

  private get version(): Version | undefined {
    return this.versions[this.at]
  }
  get entry(): this {
    return this
  }
  get valid(): boolean {
    return this.version !== undefined
  }
  get keyBytes(): Uint8Array {
    return this.version?.key ?? empty
  }
  get keyEnd(): number {
    return this.keyBytes.length
  }
  get valueBytes(): Uint8Array {
    return this.version?.value ?? empty
  }
  get valueEnd(): number {
    return this.valueBytes.length
  }
  get sequence(): number {
    return this.version?.sequence ?? 0
  }
  get kind(): number {
    return this.version?.kind ?? Memtable.EntryKind.deletion
  }
  seekToFirst(): void {
    this.at = 0
  }
  seekToLast(): void {
    this.at = this.versions.length - 1
  }
  seek(key: Uint8Array, length: number): void {
    const wanted = key.subarray(0, length)
    const found = this.versions.findIndex((version) => Buffer.compare(version.key, wanted) >= 0)
    this.at = found < 0 ? this.versions.length : found
  }
  next(): void {
    this.at++
  }
  prev(): void {
    this.at--
  }
}

/** Sets `result` to the newest version of a key at or before `sequence`, if there is one. */
export const lookupIn = (
  versions: ReadonlyArray<Version>,
  key: Memtable.LookupKey,
  sequence: number,
  result: Memtable.LookupResult
): boolean => {
  const wanted = key.bytes.subarray(0, key.length)
  const found = versions.find((version) => version.sequence <= sequence && Buffer.compare(version.key, wanted) === 0)
  if (found === undefined) return false
  result.kind = found.kind
  result.sequence = found.sequence
  result.bytes = found.value ?? empty
  result.start = 0
  result.end = result.bytes.length
  return true
}
