import type { ValueFile } from "../values/valueFile.js"
import type { TableChanges, Version } from "./version.js"

/** A version that is being read. Its tables stay on disk until it is released. */
export interface PinnedVersion {
  readonly version: Version
  /** A second call does nothing. */
  readonly release: () => void
}

class Pinned implements PinnedVersion {
  constructor(
    readonly version: Version,
    readonly release: () => void
  ) {}
}

/** A version that is current or pinned, linked to its neighbours in age. */
interface Held {
  readonly version: Version
  /** The number of versions installed before it. */
  readonly age: number
  count: number
  older: Held | undefined
  newer: Held | undefined
  /** Files that it has, but the next newer version does not. */
  readonly last: Array<LastSeen>
}

/** A file that is no longer current, and the age of the first version that had it. */
interface LastSeen {
  readonly fileNumber: number
  readonly since: number
  /** Set if it is no table. */
  readonly values: ValueFile | undefined
}

/**
 * The current version, the older versions still pinned, and the obsolete files that no version has.
 * What is said of tables here holds for files with values too.
 *
 * A table belongs to consecutive versions, without a gap. Once it is no longer current, the newest
 * held version that has it keeps it in its `last` list. When that version is released, the table
 * passes to the next older version if that one has it, and is obsolete otherwise. So the cost of a
 * change depends on the size of the change, not on the number of tables.
 */
export class VersionSet {
  /**
   * The files of the current version that were added after the first version, each with the age of
   * the first version that had it.
   */
  private readonly added = new Map<number, number>()
  private newest: Held
  private held = 1
  private obsolete: Array<LastSeen> = []

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
    return new Pinned(held.version, () => {
      if (!isHeld) return
      isHeld = false
      this.release(held)
    })
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
    const leave = (fileNumber: number, values: ValueFile | undefined): void => {
      previous.last.push({ fileNumber, since: this.added.get(fileNumber) ?? 0, values })
      this.added.delete(fileNumber)
    }
    for (const fileNumber of gone) leave(fileNumber, undefined)
    const [before, after] = [previous.version.valueFiles, version.valueFiles]
    if (before !== after) {
      for (const fileNumber of after.keys()) if (!before.has(fileNumber)) this.added.set(fileNumber, age)
      for (const file of before.values()) if (!after.has(file.fileNumber)) leave(file.fileNumber, file)
    }
    this.release(previous)
  }

  /** Returns the tables that became obsolete since the last call. Their files may be deleted. */
  takeObsolete(): ReadonlyArray<number> {
    const tables = this.obsolete.filter(({ values }) => values === undefined)
    this.obsolete = this.obsolete.filter(({ values }) => values !== undefined)
    return tables.map(({ fileNumber }) => fileNumber)
  }

  /** The same for files with values. */
  takeObsoleteValues(): ReadonlyArray<ValueFile> {
    const files = this.obsolete.flatMap(({ values }) => (values === undefined ? [] : [values]))
    this.obsolete = this.obsolete.filter(({ values }) => values === undefined)
    return files
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
      else this.obsolete.push(table)
    }
    if (this.obsolete.length > before) this.onObsolete()
  }
}
