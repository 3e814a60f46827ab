/**
 * Shortcuts along the chains of versions, so that an old version of a key is found in a number of steps that grows with the logarithm of
 * the newer ones. Each entry has one, to an older entry of its key, as far back as skew-binary numbers say (E. W. Myers, "An applicative
 * random-access stack", 1983).
 *
 * They take 8 bytes an entry, so a memtable has them only once a lookup has had to walk far.
 */
export class VersionJumps {
  /** How many older versions of its key an entry has. */
  private depths: Int32Array<ArrayBuffer>
  /** The entry that the shortcut leads to; the oldest version's leads to itself. */
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

  /** Takes an entry; `older` is the next older one of its key, which has been taken before, or negative. */
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
    // Two stretches of one length become one of twice the length.
    jumps[id] = depth - depths[jump]! === depths[jump]! - depths[far]! ? far : older
  }

  /** Where to go on from an entry that is newer than `sequence`: to an entry that is newer too, if the shortcut leads to one. */
  from(id: number, sequences: Float64Array, older: Int32Array, sequence: number): number {
    const jump = this.jumps[id]!
    return jump !== id && sequences[jump]! > sequence ? jump : older[id]!
  }
}
