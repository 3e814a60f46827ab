/** A key has this many places if it has several. They are in one cache line. */
const severalPlaces = 4

export const doorkeeperBytes = 4

/**
 * Remembers which keys were asked for lately, by a hash of each. A key is forgotten when another
 * one takes its place.
 *
 * With one place for each key, keys of the same place that are asked for in turn displace each
 * other for ever. With several, the place is taken in turn, so that one of them stays.
 */
export class Doorkeepers {
  private readonly hashes: Uint32Array
  private readonly places: number
  private readonly scale: number
  private turn = 0

  constructor(count: number, hasSeveral: boolean) {
    this.places = hasSeveral ? severalPlaces : 1
    const groups = Math.max(1, Math.floor(count / this.places))
    this.hashes = new Uint32Array(groups * this.places)
    this.scale = groups / 2 ** 32
  }

  /** Whether the key was asked for before. Remembers it if not. */
  knows(hash1: number, hash2: number): boolean {
    const { hashes, places } = this
    const first = Math.floor(hash1 * this.scale) * places
    const tag = (hash2 | 1) >>> 0
    let free = -1
    for (let at = first; at < first + places; at++) {
      const other = hashes[at]!
      if (other === tag) return true
      if (other === 0 && free < 0) free = at
    }
    if (free < 0) {
      this.turn = (this.turn + 1) % places
      free = first + this.turn
    }
    hashes[free] = tag
    return false
  }
}
