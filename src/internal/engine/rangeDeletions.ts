import { Coverage, type Separates } from "../../core/ranges/coverage.js"
import type { RangeDeletion } from "../../core/ranges/rangeDeletion.js"
import type { ManifestService } from "../../Manifest.js"
import type { MemtableService } from "../../Memtable.js"

/**
 * The range deletions that readers must take account of: those of the memtables, and those of tables
 * that may still cover entries.
 *
 * A deletion is added when its record is applied. One that is done covers nothing, so it may stay. When
 * half of them are done, the rest is gathered again.
 */
export class RangeDeletions {
  /** Whether there are none, for certain. Then there are none until the next `add`. */
  areNone = false
  private coverage = new Coverage()
  /** Those of tables, as they were when it was last decided to gather or not. */
  private ofTables: ReadonlyArray<RangeDeletion> | undefined

  constructor(
    private readonly parts: { readonly manifest: ManifestService; readonly memtable: MemtableService },
    private readonly separates: Separates
  ) {}

  /** Takes a deletion that was just applied. */
  add(range: RangeDeletion): void {
    this.current()
    this.areNone = false
    this.coverage.add(range, this.separates)
  }

  /** Returns undefined if there are none. */
  current(): Coverage | undefined {
    const { ranges } = this.parts.manifest.unsafeVersion()
    if (ranges !== this.ofTables) this.settle(ranges)
    this.areNone = this.coverage.isEmpty
    return this.areNone ? undefined : this.coverage
  }

  private settle(ofTables: ReadonlyArray<RangeDeletion>): void {
    const memtables = this.parts.memtable.unsafeAll()
    const live = memtables.reduce((count, { rangeDeletions }) => count + rangeDeletions.length, ofTables.length)
    const isFirst = this.ofTables === undefined
    this.ofTables = ofTables
    if (!isFirst && live > 0 && live * 2 >= this.coverage.size) return
    this.coverage = new Coverage()
    for (const range of ofTables) this.coverage.add(range, this.separates)
    for (const { rangeDeletions } of memtables) {
      for (const range of rangeDeletions) this.coverage.add(range, this.separates)
    }
  }
}
