import { prefixWord } from "effect-lsm/core/bytes/bytes"
import { makeRandom } from "../lib/data.js"
import { Entries, enlarged } from "./entries.js"
import type { Structure } from "./structure.js"

const none = -1
const highest = 16

/**
 * A skip list whose links are numbers in one typed array. The tower of entry `id` begins at
 * `tower[id]`. One in four entries of a level is also in the level above.
 */
export class SkipList implements Structure {
  private readonly entries = new Entries()
  private readonly random = makeRandom(5)
  private tower = new Int32Array(1024)
  private links = new Int32Array(4096)
  private linksUsed = highest
  private height = 1
  /** The link at which the last search descended, for each level. */
  private readonly path = new Int32Array(highest)

  constructor() {
    // The tower of the head is the first one.
    this.links.fill(none, 0, highest)
  }

  insert(sequence: number, bytes: Uint8Array, keyStart: number, keyEnd: number, valueEnd: number): void {
    const found = this.search(bytes, keyStart, keyEnd)
    const id = this.entries.add(sequence, bytes, keyStart, keyEnd, valueEnd)
    if (id === this.tower.length) this.tower = enlarged(this.tower, new Int32Array(id * 2))
    if (found !== none) {
      // The newer entry takes over the tower of the older one, and all links to it.
      this.tower[id] = this.tower[found]!
      for (let level = 0; level < this.height; level++) {
        const link = this.path[level]!
        if (this.links[link] === found) this.links[link] = id
      }
      return
    }
    let height = 1
    while (height < highest && (this.random() & 3) === 0) height++
    for (; this.height < height; this.height++) this.path[this.height] = this.height
    if (this.linksUsed + height > this.links.length) {
      this.links = enlarged(this.links, new Int32Array(this.links.length * 2))
    }
    const tower = this.linksUsed
    this.linksUsed += height
    this.tower[id] = tower
    for (let level = 0; level < height; level++) {
      const link = this.path[level]!
      this.links[tower + level] = this.links[link]!
      this.links[link] = id
    }
  }

  find(key: Uint8Array): number {
    const id = this.search(key, 0, key.length)
    return id === none ? none : this.entries.sequenceOf(id)
  }

  walk(): number {
    let sum = 0
    for (let id = this.links[0]!; id !== none; id = this.links[this.tower[id]!]!)
      sum += this.entries.firstValueByteOf(id)
    return sum
  }

  private search(bytes: Uint8Array, start: number, end: number): number {
    const { links, tower, entries, path } = this
    const high = prefixWord(bytes, start, end)
    const low = prefixWord(bytes, Math.min(start + 4, end), end)
    let base = 0
    let order = 1
    let next = none
    for (let level = this.height - 1; level >= 0; level--) {
      for (;;) {
        next = links[base + level]!
        if (next === none) break
        order = entries.compare(next, high, low, bytes, start, end)
        if (order >= 0) break
        base = tower[next]!
      }
      path[level] = base + level
    }
    return next !== none && order === 0 ? next : none
  }
}
