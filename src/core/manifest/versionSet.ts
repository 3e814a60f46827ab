import type { TableChanges, Version } from "./version.js"

/** A version that somebody reads; its tables stay on disk until it is released. */
export interface PinnedVersion {
  readonly version: Version
  /** A second call does nothing. */
  readonly release: () => void
}

/** A version that is current or being read, between its neighbours in age. */
interface Held {
  readonly version: Version
  /** How many versions were installed before it. */
  readonly age: number
  count: number
  older: Held | undefined
  newer: Held | undefined
  /** Tables that it has and the next newer one does not. */
  readonly last: Array<LastSeen>
}

/** A table that is no longer current, and the first version that had it. */
interface LastSeen {
  readonly fileNumber: number
  readonly since: number
}

/**
 * The current version, the older ones still being read, and the tables that nobody can see any more.
 *
 * A table stands in a row of versions without a gap. The newest of them that is still held remembers it. When that one is released, the next
 * older one takes the table over, or the table is obsolete. So a change costs as much as it changes, however many tables there are.
 */
export class VersionSet {
  /** The current version's tables that were added since the first version, each with the first version that had it. */
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

  /** Makes `version` current: the one that the changes make of the current one. */
  install(version: Version, { added, removed }: TableChanges): void {
    const previous = this.newest
    if (version === previous.version) return
    const age = previous.age + 1
    const next: Held = { version, age, count: 1, older: previous, newer: undefined, last: [] }
    previous.newer = next
    this.newest = next
    this.held++
    const gone = new Set(removed.map(({ fileNumber }) => fileNumber))
    // A table that is removed and added has been moved.
    for (const { table } of added) if (!gone.delete(table.fileNumber)) this.added.set(table.fileNumber, age)
    for (const fileNumber of gone) {
      previous.last.push({ fileNumber, since: this.added.get(fileNumber) ?? 0 })
      this.added.delete(fileNumber)
    }
    this.release(previous)
  }

  /** The obsolete tables found since the last call: their files may go. */
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
