import { Coverage, type Separates } from "../../core/ranges/coverage.js"
import type { RangeDeletion } from "../../core/ranges/rangeDeletion.js"
import type { SingleMemtable } from "../../Memtable.js"
import type { EngineParts } from "./engine.js"

/**
 * The range deletions that readers must take account of: those of the memtables, and those of tables
 * that may still cover entries.
 *
 * A deletion is added when its record is applied. When a memtable was flushed or tables were compacted,
 * the next reader gathers all of them again.
 */
export class RangeDeletions {
  private coverage = new Coverage()
  private gatheredFrom: ReadonlyArray<SingleMemtable> = []
  private ofTables: ReadonlyArray<RangeDeletion> | undefined

  constructor(
    private readonly parts: EngineParts,
    private readonly separates: Separates
  ) {}

  /** Takes a deletion that was just applied. */
  add(range: RangeDeletion): void {
    this.current()
    this.coverage.add(range, this.separates)
  }

  /** Returns undefined if there are none. */
  current(): Coverage | undefined {
    const { manifest, memtable } = this.parts
    const memtables = memtable.unsafeAll()
    const { ranges } = manifest.unsafeVersion()
    if (memtables !== this.gatheredFrom || ranges !== this.ofTables) this.gather(memtables, ranges)
    return this.coverage.isEmpty ? undefined : this.coverage
  }

  private gather(memtables: ReadonlyArray<SingleMemtable>, ofTables: ReadonlyArray<RangeDeletion>): void {
    this.coverage = new Coverage()
    this.gatheredFrom = memtables
    this.ofTables = ofTables
    for (const range of ofTables) this.coverage.add(range, this.separates)
    for (const { rangeDeletions } of memtables)
      for (const range of rangeDeletions) this.coverage.add(range, this.separates)
  }
}
