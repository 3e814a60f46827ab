import { isDamage, type Report } from "../storage/damage.js"
import { type CorruptionFailure, FormatFailure, type StorageFailure } from "../storage/failure.js"

/** Receives the findings and the progress of a verification. */
export interface VerifyListener {
  readonly error: Report
  readonly notice: Report
  /** Called when `bytes` more bytes of a file have been checked. */
  readonly progress: (file: string, bytes: number) => void
}

/** Bytes checked between two yields. */
export const verifySlice = 256 * 1024

/**
 * Returns the failure if verification reports it and continues, or undefined if the failure ends
 * verification.
 */
export const findingOf = (failure: unknown): CorruptionFailure | FormatFailure | StorageFailure | undefined =>
  isDamage(failure) || failure instanceof FormatFailure ? failure : undefined
