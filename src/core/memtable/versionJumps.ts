/**
 * Shortcuts along the chains of versions. With them, the number of steps to an old version of a key
 * grows with the logarithm of the number of newer versions. Each entry has one shortcut, to an
 * older entry of its key, at a distance given by skew-binary numbers (E. W. Myers, "An applicative
 * random-access stack", 1983).
 *
 * They take 8 bytes per entry, so a memtable creates them only after a lookup had to walk far.
 */
export class VersionJumps {
  /** How many older versions of its key an entry has. */
  private depths: Int32Array<ArrayBuffer>
  /** The entry that the shortcut leads to. The oldest version's shortcut leads to itself. */
  private jumps: Int32Array<ArrayBuffer>

  constructor(capacity: number) {
    this.depths = new Int32Array(capacity)
    this.jumps = new Int32Array(capacity)
  }

  get memory(): number {
    return this.jumps.length * 8
  }

  grow(capacity: number): void {
    const { depths, jumps } = this
    this.depths = new Int32Array(capacity)
    this.depths.set(depths)
    this.jumps = new Int32Array(capacity)
    this.jumps.set(jumps)
  }

  /** Adds an entry. `older` is the next older entry of its key, already added, or negative. */
  add(id: number, older: number): void {
    const { depths, jumps } = this
    if (older < 0) {
      depths[id] = 0
      jumps[id] = id
      return
    }
    const depth = depths[older]!
    const jump = jumps[older]!
    const far = jumps[jump]!
    depths[id] = depth + 1
    // If the next two shortcuts are equally long, the new one spans both.
    jumps[id] = depth - depths[jump]! === depths[jump]! - depths[far]! ? far : older
  }

  /**
   * The next entry to visit after one that is newer than `sequence`. Takes the shortcut only if its
   * target is newer than `sequence` too.
   */
  from(id: number, sequences: Float64Array, older: Int32Array, sequence: number): number {
    const jump = this.jumps[id]!
    return jump !== id && sequences[jump]! > sequence ? jump : older[id]!
  }
}
