import type { Version } from "./version.js"

/** A version that somebody reads; its tables stay on disk until it is released. */
export interface PinnedVersion {
  readonly version: Version
  /** A second call does nothing. */
  readonly release: () => void
}

/** The current version, the older ones still being read, and the tables that nobody can see any more. */
export class VersionSet {
  private readonly references = new Map<Version, number>()
  private readonly tableReferences = new Map<number, number>()
  private obsolete: Array<number> = []

  constructor(
    public current: Version,
    /** Called when a table has become obsolete. */
    private readonly onObsolete: () => void
  ) {
    this.retain(current)
  }

  pin(): PinnedVersion {
    const version = this.current
    this.retain(version)
    let held = true
    return {
      version,
      release: () => {
        if (!held) return
        held = false
        this.releaseVersion(version)
      }
    }
  }

  install(version: Version): void {
    const previous = this.current
    this.current = version
    this.retain(version)
    this.releaseVersion(previous)
  }

  /** The obsolete tables found since the last call: their files may go. */
  takeObsolete(): ReadonlyArray<number> {
    const { obsolete } = this
    this.obsolete = []
    return obsolete
  }

  get pinned(): number {
    return this.references.size
  }

  private retain(version: Version): void {
    const count = this.references.get(version)
    this.references.set(version, (count ?? 0) + 1)
    if (count !== undefined) return
    for (const tables of version.levels) {
      for (const { fileNumber } of tables) {
        this.tableReferences.set(fileNumber, (this.tableReferences.get(fileNumber) ?? 0) + 1)
      }
    }
  }

  private releaseVersion(version: Version): void {
    const count = this.references.get(version)! - 1
    if (count > 0) {
      this.references.set(version, count)
      return
    }
    this.references.delete(version)
    const before = this.obsolete.length
    for (const tables of version.levels) {
      for (const { fileNumber } of tables) {
        const left = this.tableReferences.get(fileNumber)! - 1
        if (left > 0) {
          this.tableReferences.set(fileNumber, left)
        } else {
          this.tableReferences.delete(fileNumber)
          this.obsolete.push(fileNumber)
        }
      }
    }
    if (this.obsolete.length > before) this.onObsolete()
  }
}
