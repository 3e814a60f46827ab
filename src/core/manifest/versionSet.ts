import type { TableChanges, Version } from "./version.js"

/** A version that is being read. Its tables stay on disk until it is released. */
export interface PinnedVersion {
  readonly version: Version
  /** A second call does nothing. */
  readonly release: () => void
}

/** A version that is current or pinned, linked to its neighbours in age. */
interface Held {
  readonly version: Version
  /** The number of versions installed before it. */
  readonly age: number
  count: number
  older: Held | undefined
  newer: Held | undefined
  /** Tables that it has, but the next newer version does not. */
  readonly last: Array<LastSeen>
}

/** A table that is no longer current, and the age of the first version that had it. */
interface LastSeen {
  readonly fileNumber: number
  readonly since: number
}

/**
 * The current version, the older versions still pinned, and the obsolete tables that no version
 * has.
 *
 * A table belongs to consecutive versions, without a gap. Once it is no longer current, the newest
 * held version that has it keeps it in its `last` list. When that version is released, the table
 * passes to the next older version if that one has it, and is obsolete otherwise. So the cost of a
 * change depends on the size of the change, not on the number of tables.
 */
export class VersionSet {
  /**
   * The tables of the current version that were added after the first version, each with the age of
   * the first version that had it.
   */
  private readonly added = new Map<number, number>()
  private newest: Held
  private held = 1
  private obsolete: Array<number> = []

  constructor(
    first: Version,
    /** Called when a table has become obsolete. */
    private readonly onObsolete: () => void
  ) {
    this.newest = { version: first, age: 0, count: 1, older: undefined, newer: undefined, last: [] }
  }

  get current(): Version {
    return this.newest.version
  }

  pin(): PinnedVersion {
    const held = this.newest
    held.count++
    let isHeld = true
    return {
      version: held.version,
      release: () => {
        if (!isHeld) return
        isHeld = false
        this.release(held)
      }
    }
  }

  /** Makes `version` current. It must be the current version with the changes applied. */
  install(version: Version, { added, removed }: TableChanges): void {
    const previous = this.newest
    if (version === previous.version) return
    const age = previous.age + 1
    const next: Held = { version, age, count: 1, older: previous, newer: undefined, last: [] }
    previous.newer = next
    this.newest = next
    this.held++
    const gone = new Set(removed.map(({ fileNumber }) => fileNumber))
    // A table that is both removed and added has moved to another level.
    for (const { table } of added) if (!gone.delete(table.fileNumber)) this.added.set(table.fileNumber, age)
    for (const fileNumber of gone) {
      previous.last.push({ fileNumber, since: this.added.get(fileNumber) ?? 0 })
      this.added.delete(fileNumber)
    }
    this.release(previous)
  }

  /** Returns the tables that became obsolete since the last call. Their files may be deleted. */
  takeObsolete(): ReadonlyArray<number> {
    const { obsolete } = this
    this.obsolete = []
    return obsolete
  }

  get pinned(): number {
    return this.held
  }

  private release(held: Held): void {
    if (--held.count > 0) return
    const { older, newer, last } = held
    if (older !== undefined) older.newer = newer
    if (newer !== undefined) newer.older = older
    this.held--
    const before = this.obsolete.length
    for (const table of last) {
      if (older !== undefined && older.age >= table.since) older.last.push(table)
      else this.obsolete.push(table.fileNumber)
    }
    if (this.obsolete.length > before) this.onObsolete()
  }
}
