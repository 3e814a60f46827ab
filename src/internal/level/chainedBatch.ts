import { AbstractChainedBatch } from "abstract-level"
import type { WriteBatch } from "../../WriteBatch.js"
import type { Entries, Syncing } from "./entries.js"
import type { Data } from "./formats.js"

/** A chained batch, which encodes each operation when it is added. */
export class LevelChainedBatch<Database, K, V> extends AbstractChainedBatch<Database, K, V> {
  readonly #operations: WriteBatch
  readonly #entries: Entries

  constructor(database: Database, entries: Entries) {
    super(database)
    this.#entries = entries
    this.#operations = entries.takeBatch()
  }

  _put(key: Data, value: Data): void {
    this.#entries.addTo(this.#operations, "put", key, value)
  }

  _del(key: Data): void {
    this.#entries.addTo(this.#operations, "del", key, undefined)
  }

  _clear(): void {
    this.#operations.clear()
  }

  async _write(options: Syncing): Promise<void> {
    return this.#entries.write(this.#operations, options)
  }
}
