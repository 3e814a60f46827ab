import { isDamage, type Report } from "../storage/damage.js"
import { type CorruptionFailure, FormatFailure, type StorageFailure } from "../storage/failure.js"

/** What a verification tells. */
export interface VerifyListener {
  readonly error: Report
  readonly notice: Report
  /** So many bytes of a file have been checked. */
  readonly progress: (file: string, bytes: number) => void
}

/** Bytes checked between two yields. */
export const verifySlice = 256 * 1024

/** The failure where it is one that a verification tells of, and goes on; undefined where it ends with it. */
export const findingOf = (failure: unknown): CorruptionFailure | FormatFailure | StorageFailure | undefined =>
  isDamage(failure) || failure instanceof FormatFailure ? failure : undefined
