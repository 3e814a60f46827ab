import { CorruptionFailure, type FormatFailure, StorageFailure } from "./failure.js"

/** The inclusive range that contains every key of a damaged piece; undefined is unbounded. */
export interface LostKeys {
  readonly from: Uint8Array | undefined
  readonly to: Uint8Array | undefined
}

/** A piece of a file that no longer holds what was written there. */
export interface Damage {
  readonly file: string
  readonly offset: number
  /** The length of the piece, if known. */
  readonly bytes: number | undefined
  /** The part of the format, such as `data block` or `log frame`. */
  readonly region: string
  readonly reason: string
  /** The keys that may be lost, if known. */
  readonly keys: LostKeys | undefined
}

/**
 * Regions whose content can be derived from the rest of the file. The header is one of them: the
 * checksums of blocks, frames and edits identify their file and store. If a file has lost more than
 * its header, another region is reported too.
 */
const redundant = new Set([
  "file header",
  "table footer",
  "table properties",
  "index block",
  "index partition",
  "filter"
])

/** Whether damage may have lost data. Redundant regions, such as an index, can be rebuilt. */
export const mayLoseData = ({ region }: Damage): boolean => !redundant.has(region)

/** Receives each piece of damage that is found. */
export type Report = (damage: Damage) => void

/**
 * Passes damage on to `report` once for each place, however often it is found. All values behind the
 * end of a file have one place, but each is lost for a key of its own.
 */
export const reportOnce = (report: Report): Report => {
  const seen = new Set<string>()
  return (damage) => {
    const key = damage.region === "value" ? damage.keys?.from?.join() : undefined
    const place = `${damage.offset} ${damage.region} ${damage.file} ${key ?? ""}`
    if (seen.has(place)) return
    seen.add(place)
    report(damage)
  }
}

/**
 * Whether a failure concerns one place on disk, so that the data around it may still be readable.
 */
export const isDamage = (failure: unknown): failure is CorruptionFailure | StorageFailure =>
  failure instanceof CorruptionFailure ||
  (failure instanceof StorageFailure && (failure.code === "EIO" || failure.code === "ENOENT"))

/**
 * Converts a failure to damage. `offset` and `region` are the place that was being read, for
 * failures of the operating system, which do not name it.
 */
export const damageOf = (
  failure: CorruptionFailure | StorageFailure | FormatFailure,
  offset: number,
  region: string,
  bytes?: number,
  keys?: LostKeys
): Damage => {
  if (failure instanceof CorruptionFailure) {
    return { file: failure.file, offset: failure.offset, bytes, region: failure.region, reason: failure.reason, keys }
  }
  if (failure instanceof StorageFailure) {
    const { path: file, code, operation } = failure
    if (code === "ENOENT") return { file, offset: 0, bytes, region: "file", reason: "missing", keys }
    return { file, offset, bytes, region, reason: `${operation}: ${code}`, keys }
  }
  const reason = `format version ${failure.version}, which this release does not read`
  return { file: failure.file, offset: 0, bytes, region: "file header", reason, keys }
}
