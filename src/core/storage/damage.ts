import { CorruptionFailure, type FormatFailure, StorageFailure } from "./failure.js"

/** Every key that had a place in a damaged piece lies in [from, to]; undefined is unbounded. */
export interface LostKeys {
  readonly from: Uint8Array | undefined
  readonly to: Uint8Array | undefined
}

/** A piece of a file that cannot be read as what was written there. */
export interface Damage {
  readonly file: string
  readonly offset: number
  /** How much of the file it is, where that is known. */
  readonly bytes: number | undefined
  /** The part of the format, such as `data block` or `log frame`. */
  readonly region: string
  readonly reason: string
  /** Which keys are concerned, where that is known. */
  readonly keys: LostKeys | undefined
}

/**
 * Parts of a file that hold nothing but what its data holds. A header is one of them, for blocks, frames and edits say by their checksums
 * whose they are; a file that has lost more than its header is reported with another region too.
 */
const redundant = new Set(["file header", "table footer", "table properties", "index block", "filter"])

/** Whether damage may have cost data: an index, or a filter, is made anew. */
export const mayLoseData = ({ region }: Damage): boolean => !redundant.has(region)

/** Takes note of damage. */
export type Report = (damage: Damage) => void

/** A report of each place once, however often it is met. */
export const reportOnce = (report: Report): Report => {
  const seen = new Set<string>()
  return (damage) => {
    const place = `${damage.offset} ${damage.region} ${damage.file}`
    if (seen.has(place)) return
    seen.add(place)
    report(damage)
  }
}

/** Whether a failure is one of what is on disk, and what lies beside it may still be read. */
export const isDamage = (failure: unknown): failure is CorruptionFailure | StorageFailure =>
  failure instanceof CorruptionFailure ||
  (failure instanceof StorageFailure && (failure.code === "EIO" || failure.code === "ENOENT"))

/** A failure as damage. `offset` and `region` are where it was met, for a refusal of the system says nothing of them. */
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
