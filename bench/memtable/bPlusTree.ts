import { prefixWord } from "effect-lsm/core/bytes/bytes"
import { Entries, enlarged } from "./entries.js"
import type { Structure } from "./structure.js"

const none = -1
const fanout = 64

/**
 * A B+-tree whose nodes are ranges of `fanout` slots in typed arrays. A slot of a leaf has an
 * entry. A slot of an inner node has a child and the entry of the child's smallest key. The first
 * eight key bytes are stored next to them, so that most searches stay in the node.
 */
export class BPlusTree implements Structure {
  private readonly entries = new Entries()
  private capacity = 16
  private nodes = 1
  private used = new Uint8Array(this.capacity)
  private isLeaf = new Uint8Array(this.capacity).fill(1, 0, 1)
  private following = new Int32Array(this.capacity).fill(none, 0, 1)
  private high = new Uint32Array(this.capacity * fanout)
  private low = new Uint32Array(this.capacity * fanout)
  private entry = new Int32Array(this.capacity * fanout)
  private child = new Int32Array(this.capacity * fanout)
  private root = 0
  private readonly firstLeaf = 0

  insert(sequence: number, bytes: Uint8Array, keyStart: number, keyEnd: number, valueEnd: number): void {
    const id = this.entries.add(sequence, bytes, keyStart, keyEnd, valueEnd)
    const sibling = this.insertInto(this.root, id, bytes, keyStart, keyEnd)
    if (sibling === none) return
    const root = this.newNode(0)
    this.putChild(root, 0, this.root)
    this.putChild(root, 1, sibling)
    this.root = root
  }

  find(key: Uint8Array): number {
    const high = prefixWord(key, 0, key.length)
    const low = prefixWord(key, Math.min(4, key.length), key.length)
    let node = this.root
    while (this.isLeaf[node] === 0)
      node = this.child[node * fanout + this.childFor(node, high, low, key, 0, key.length)]!
    const slot = this.lowerBound(node, high, low, key, 0, key.length)
    if (slot === this.used[node]) return none
    const id = this.entry[node * fanout + slot]!
    return this.entries.compare(id, high, low, key, 0, key.length) === 0 ? this.entries.sequenceOf(id) : none
  }

  walk(): number {
    let sum = 0
    for (let leaf = this.firstLeaf; leaf !== none; leaf = this.following[leaf]!) {
      const from = leaf * fanout
      for (let at = from; at < from + this.used[leaf]!; at++) sum += this.entries.firstValueByteOf(this.entry[at]!)
    }
    return sum
  }

  /** Returns the new right sibling of the node if it was split, or `none`. */
  private insertInto(node: number, id: number, bytes: Uint8Array, start: number, end: number): number {
    const high = this.entries.highOf(id)
    const low = this.entries.lowOf(id)
    if (this.isLeaf[node] === 1) {
      const slot = this.lowerBound(node, high, low, bytes, start, end)
      const at = node * fanout + slot
      if (slot < this.used[node]! && this.entries.compare(this.entry[at]!, high, low, bytes, start, end) === 0) {
        this.entry[at] = id
        return none
      }
      this.openSlot(node, slot)
      this.putEntry(at, id)
      return this.used[node] === fanout ? this.split(node) : none
    }
    const slot = this.childFor(node, high, low, bytes, start, end)
    const first = node * fanout
    if (slot === 0 && this.entries.compare(this.entry[first]!, high, low, bytes, start, end) > 0)
      this.putEntry(first, id)
    const sibling = this.insertInto(this.child[node * fanout + slot]!, id, bytes, start, end)
    if (sibling === none) return none
    this.openSlot(node, slot + 1)
    this.putChild(node, slot + 1, sibling, true)
    return this.used[node] === fanout ? this.split(node) : none
  }

  /**
   * The slot of the child for a key: the last child whose smallest key is not above the key, or the
   * first.
   */
  private childFor(node: number, high: number, low: number, bytes: Uint8Array, start: number, end: number): number {
    const slot = this.lowerBound(node, high, low, bytes, start, end)
    if (slot < this.used[node]!) {
      if (this.entries.compare(this.entry[node * fanout + slot]!, high, low, bytes, start, end) === 0) return slot
    }
    return slot === 0 ? 0 : slot - 1
  }

  /** The first slot whose key is at or above the given key. */
  private lowerBound(node: number, high: number, low: number, bytes: Uint8Array, start: number, end: number): number {
    const base = node * fanout
    let from = 0
    let to = this.used[node]!
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = base + middle
      let order = this.high[at]! - high
      if (order === 0) order = this.low[at]! - low
      if (order === 0) order = this.entries.compare(this.entry[at]!, high, low, bytes, start, end)
      if (order < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  private split(node: number): number {
    const half = fanout >>> 1
    const sibling = this.newNode(this.isLeaf[node]!)
    const from = node * fanout + half
    const to = sibling * fanout
    for (const slots of [this.high, this.low, this.entry, this.child]) slots.copyWithin(to, from, from + half)
    this.used[node] = half
    this.used[sibling] = half
    this.following[sibling] = this.following[node]!
    this.following[node] = sibling
    return sibling
  }

  private openSlot(node: number, slot: number): void {
    const from = node * fanout + slot
    const end = node * fanout + this.used[node]!
    for (let at = end; at > from; at--) {
      this.high[at] = this.high[at - 1]!
      this.low[at] = this.low[at - 1]!
      this.entry[at] = this.entry[at - 1]!
    }
    if (this.isLeaf[node] === 0) this.child.copyWithin(from + 1, from, end)
    this.used[node]!++
  }

  private putEntry(at: number, id: number): void {
    this.entry[at] = id
    this.high[at] = this.entries.highOf(id)
    this.low[at] = this.entries.lowOf(id)
  }

  private putChild(node: number, slot: number, child: number, opened = false): void {
    const at = node * fanout + slot
    this.putEntry(at, this.entry[child * fanout]!)
    this.child[at] = child
    if (!opened) this.used[node]!++
  }

  private newNode(isLeaf: number): number {
    if (this.nodes === this.capacity) this.grow()
    const node = this.nodes++
    this.isLeaf[node] = isLeaf
    this.following[node] = none
    return node
  }

  private grow(): void {
    const capacity = this.capacity * 2
    this.used = enlarged(this.used, new Uint8Array(capacity))
    this.isLeaf = enlarged(this.isLeaf, new Uint8Array(capacity))
    this.following = enlarged(this.following, new Int32Array(capacity))
    this.high = enlarged(this.high, new Uint32Array(capacity * fanout))
    this.low = enlarged(this.low, new Uint32Array(capacity * fanout))
    this.entry = enlarged(this.entry, new Int32Array(capacity * fanout))
    this.child = enlarged(this.child, new Int32Array(capacity * fanout))
    this.capacity = capacity
  }
}
