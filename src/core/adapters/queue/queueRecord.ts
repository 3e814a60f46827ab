import { ForeignValue } from "../foreignValue.js"
import { fromJson, toJson } from "../jsonValue.js"

/** An element as a queue stores it. */
export interface QueueRecord {
  readonly id: string
  /** How many attempts count so far. */
  readonly attempts: number
  /** Whether the id was given with the offer, so that the queue remembers it. */
  readonly isCustomId: boolean
  /** When it failed for good, in milliseconds since 1970. 0 if it has not. */
  readonly failedAt: number
  readonly element: unknown
}

/** As a JSON array. The element is last, so that undefined, which JSON has not, is one element less. */
export const toRecordBytes = ({ attempts, element, failedAt, id, isCustomId }: QueueRecord): Uint8Array => {
  const head = [id, attempts, isCustomId, failedAt]
  return toJson(element === undefined ? head : [...head, element])
}

/** Throws `ForeignValue` for what is no element. */
export const fromRecordBytes = (bytes: Uint8Array): QueueRecord => {
  const array = fromJson(bytes)
  const [id, attempts, isCustomId, failedAt, element] = Array.isArray(array) ? (array as ReadonlyArray<unknown>) : []
  if (
    typeof id !== "string" ||
    typeof attempts !== "number" ||
    typeof isCustomId !== "boolean" ||
    typeof failedAt !== "number"
  ) {
    throw new ForeignValue("no element of a queue")
  }
  return { id, attempts, isCustomId, failedAt, element }
}
