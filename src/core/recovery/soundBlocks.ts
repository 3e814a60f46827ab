import { compare, equals } from "../bytes/bytes.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure, type StorageFailure } from "../storage/failure.js"
import { BlockCursor } from "../table/blockCursor.js"
import { type BlockKeys, type Visit, walkBlock } from "../table/blockWalk.js"
import { type Handle, sectionTrailerSize, type TableMeta } from "../table/tableFormat.js"
import type { InspectedTable } from "./inspectedTable.js"

/**
 * Returns the sound data blocks of a table in key order. Reports each damaged block, with the range
 * of keys between its sound neighbours. `bounds` is the known range of the table's keys. A block
 * with keys outside it counts as damaged.
 */
export function* soundBlocks(
  table: InspectedTable,
  bounds: TableMeta | undefined,
  report: Report,
  visit?: Visit
): Generator<Uint8Array, void> {
  let last: Uint8Array | undefined
  let lastSequence = 0
  /** The first block that holds `last`. */
  let blockOfLast = 0
  let lost: Array<{ readonly handle: Handle; readonly failure: CorruptionFailure | StorageFailure }> = []
  const reportLost = (to: Uint8Array | undefined): void => {
    const keys = { from: last ?? bounds?.smallestKey, to: to ?? bounds?.largestKey }
    for (const { handle, failure } of lost) {
      report(damageOf(failure, handle.offset, "data block", handle.length + sectionTrailerSize, keys))
    }
    lost = []
  }
  let stretches = 0
  const reportUnreached = (before: number, to: Uint8Array | undefined): void => {
    const keys = { from: last ?? bounds?.smallestKey, to: to ?? bounds?.largestKey }
    for (; stretches < table.unreached.length && table.unreached[stretches]!.offset < before; stretches++) {
      const reason = "the index is damaged, and no further data block was found"
      report({ file: table.path, ...table.unreached[stretches]!, region: "data block", reason, keys })
    }
  }
  for (const [i, handle] of table.blocks.entries()) {
    try {
      const block = table.readBlock(handle)
      const keys = walkBlock(block)
      const fault =
        typeof keys === "string"
          ? keys
          : last !== undefined && !follows(last, lastSequence, keys)
            ? "out of order"
            : outside(keys.first, keys.last, bounds)
              ? "keys outside the table's bounds"
              : undefined
      if (fault !== undefined || typeof keys === "string") {
        throw new CorruptionFailure(table.path, handle.offset, "data block", fault ?? "malformed")
      }
      reportLost(keys.first)
      reportUnreached(handle.offset, keys.first)
      const blockOfFirst = last !== undefined && equals(last, keys.first) ? blockOfLast : i
      blockOfLast = equals(keys.first, keys.last) ? blockOfFirst : i
      last = keys.last
      lastSequence = keys.lastSequence
      const { index } = table
      if (
        index !== undefined &&
        (index.find(keys.first, keys.first.length) !== blockOfFirst || index.find(last, last.length) !== blockOfLast)
      ) {
        const reason = "the index does not lead to the block's keys"
        const { first: from, last: to } = keys
        report({
          file: table.path,
          offset: handle.offset,
          bytes: undefined,
          region: "index block",
          reason,
          keys: { from, to }
        })
      }
      if (visit !== undefined) walkBlock(block, visit)
      yield block
    } catch (failure) {
      if (!isDamage(failure)) throw failure
      lost.push({ handle, failure })
    }
  }
  reportLost(undefined)
  reportUnreached(Number.POSITIVE_INFINITY, undefined)
}

/**
 * Whether a block's entries sort after the last entry. The versions of one key may continue in the
 * next block.
 */
const follows = (last: Uint8Array, lastSequence: number, { first, firstSequence }: BlockKeys): boolean => {
  const order = compare(last, first)
  return order < 0 || (order === 0 && firstSequence < lastSequence)
}

const outside = (first: Uint8Array, last: Uint8Array, bounds: TableMeta | undefined): boolean =>
  bounds !== undefined && (compare(first, bounds.smallestKey) < 0 || compare(last, bounds.largestKey) > 0)

/** A cursor over sound blocks. It only moves forward, which is enough for a merge. */
export class SoundCursor extends BlockCursor implements InternalCursor {
  private blocks: Generator<Uint8Array, void> | undefined

  constructor(private readonly begin: () => Generator<Uint8Array, void>) {
    super(() => {
      throw new Error("a sound block became malformed")
    })
  }

  override seekToFirst(): void {
    this.blocks = this.begin()
    this.advance()
  }

  override next(): void {
    super.next()
    if (!this.valid) this.advance()
  }

  private advance(): void {
    const step = this.blocks!.next()
    this.valid = false
    if (step.done === true) return
    this.open(step.value)
    super.seekToFirst()
  }

  override seekToLast(): void {
    throw new Error("a SoundCursor only moves forward")
  }
  override seek(): void {
    this.seekToLast()
  }
  override prev(): void {
    this.seekToLast()
  }
}
