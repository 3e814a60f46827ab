import { isFileNumber } from "../storage/fileHeader.js"

/**
 * A log segment that the store does not need any more, kept for the feed of changes. It has a name of
 * its own, `000012-1764500000000.changes`, with the time in milliseconds when it was retired, so that
 * nothing takes it for a part of the log.
 */
export interface RetainedSegment {
  readonly fileNumber: number
  readonly retiredAt: number
  readonly name: string
  readonly size: number
}

/** How much of the history is kept: no more bytes, and for no longer. */
export interface HistoryLimit {
  readonly bytes: number
  readonly millis: number
}

export const retainedName = (fileNumber: number, retiredAt: number): string =>
  `${String(fileNumber).padStart(6, "0")}-${retiredAt}.changes`

const pattern = /^(\d{6,15})-(\d{1,15})\.changes$/

/** Parses the name of a directory entry; undefined if it is no retained segment. */
export const parseRetainedName = (name: string): Omit<RetainedSegment, "size"> | undefined => {
  const match = pattern.exec(name)
  if (match === null) return undefined
  const fileNumber = Number(match[1])
  const retiredAt = Number(match[2])
  return isFileNumber(fileNumber) && retainedName(fileNumber, retiredAt) === name
    ? { fileNumber, retiredAt, name }
    : undefined
}

/**
 * Returns the segments that are kept no longer. What is kept is a suffix of the history: if a segment
 * goes, all older ones go.
 */
export const expiredSegments = (
  segments: ReadonlyArray<RetainedSegment>,
  { bytes, millis }: HistoryLimit,
  now: number
): ReadonlyArray<RetainedSegment> => {
  const newestFirst = [...segments].sort((a, b) => b.fileNumber - a.fileNumber)
  let total = 0
  const kept = newestFirst.findIndex(({ retiredAt, size }) => {
    total += size
    return total > bytes || now - retiredAt > millis
  })
  return kept < 0 ? [] : newestFirst.slice(kept)
}
