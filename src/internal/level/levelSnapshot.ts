import { AbstractSnapshot } from "abstract-level"
import type { UnsafeSnapshot } from "../../Store.js"

/** The types of abstract-level leave its constructor out. */
const Base = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot

/** An explicit snapshot of a database. `options` has its owner. */
export class LevelSnapshot extends Base {
  constructor(
    readonly snapshot: UnsafeSnapshot,
    options: object
  ) {
    super(options)
  }

  async _close(): Promise<void> {
    this.snapshot.close()
  }
}
