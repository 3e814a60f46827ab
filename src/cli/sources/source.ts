/** An entry of another store. The arrays belong to the reader. */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Another store, open at one moment: whatever is written to it meanwhile is not seen. */
export interface Source {
  /** How many entries it says that it has. Stores that would have to read all of them say nothing. */
  readonly entries: number | undefined
  /**
   * Reads all entries, or those behind a key, in groups of at most `groupEntries`. A group ends when
   * it has `groupBytes`.
   */
  readonly read: (after: Uint8Array | undefined) => AsyncIterable<ReadonlyArray<Entry>>
  /** Counts the keys up to `key`, with it. Returns also whether the last of them is `key`. */
  readonly upTo: (key: Uint8Array) => Promise<{ readonly entries: number; readonly found: boolean }>
  /** What the directory has beside these entries, known when all of them have been read. */
  readonly beside: () => ReadonlyArray<string>
  readonly close: () => Promise<void>
}

/** What opens a source. Options that a kind does not have are absent. */
export interface SourceOptions {
  readonly path: string
  readonly database: string | undefined
  readonly compressed: boolean
  readonly columnFamily: string | undefined
  readonly table: string | undefined
  readonly keyColumn: string | undefined
  readonly valueColumn: string | undefined
}

/** A source cannot be opened or read, for the reason in the message. */
export class SourceFailure extends Error {
  override readonly name = "SourceFailure"
}

export const groupEntries = 1000
export const groupBytes = 1024 * 1024

/** Gathers entries into groups. */
export async function* inGroups(entries: Iterable<Entry>): AsyncGenerator<ReadonlyArray<Entry>, void> {
  let group: Array<Entry> = []
  let bytes = 0
  try {
    for (const entry of entries) {
      group.push(entry)
      bytes += entry.key.length + entry.value.length
      if (group.length < groupEntries && bytes < groupBytes) continue
      yield group
      group = []
      bytes = 0
    }
  } catch (error) {
    // What comes before a fault is sound.
    if (group.length > 0) yield group
    throw error
  }
  if (group.length > 0) yield group
}
