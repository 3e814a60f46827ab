import { compareRange } from "../bytes/bytes.js"
import { BlockView } from "./blockView.js"

/** A cursor over one block. It rebuilds keys in its own buffer and reads values in place. */
export class BlockCursor {
  valid = false
  keyBytes: Uint8Array = new Uint8Array(256)
  readonly keyStart = 0
  keyEnd = 0
  valueBytes: Uint8Array = nothing
  valueStart = 0
  valueEnd = 0
  valueIsOwn = false
  sequence = 0
  kind = 0
  private readonly view = new BlockView()
  /** Position of the current entry within the block. */
  index = 0
  /** Where the tail of the entry's key begins and ends. The next entry's tail follows it. */
  private tailStart = 0
  private tailEnd = 0
  /** Where the key of the group's head begins, and how many of its bytes `keyBytes` starts with. */
  private headKey = 0
  private headBytes = 0
  /** The first entry of the next group. */
  private groupEnd = 0

  constructor(private readonly malformed: () => never) {}

  /** Opens the block `bytes[start, end)`. The cursor stays invalid until a seek. */
  open(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (!this.view.open(bytes, start, end)) this.malformed()
    this.valueBytes = bytes
    this.valid = false
  }

  get entry(): this {
    return this
  }
  /** Number of entries in the block. */
  get count(): number {
    return this.view.count
  }
  /** Number of entries in a group, which share key prefixes with its head. */
  get interval(): number {
    return this.view.interval
  }
  get groups(): number {
    return Math.ceil(this.view.count / this.view.interval)
  }

  seekToFirst(): void {
    this.valid = this.view.count > 0
    if (this.valid) this.toHead(0)
  }

  /** Moves to the first entry of `group`, which must exist. */
  seekToGroup(group: number): void {
    this.valid = true
    this.toHead(group)
  }

  seekToLast(): void {
    const { count } = this.view
    this.valid = count > 0
    if (this.valid) this.toEntry(count - 1)
  }

  seek(key: Uint8Array, length: number): void {
    const { view } = this
    const { count } = view
    let low = 0
    let high = view.groupOf(count - 1)
    // Find the last group whose head is below the key.
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.compareHead(middle, key, length) < 0) low = middle
      else high = middle - 1
    }
    this.valid = count > 0
    if (!this.valid) return
    this.toHead(low)
    while (this.valid && compareRange(this.keyBytes, 0, this.keyEnd, key, 0, length) < 0) this.next()
  }

  next(): void {
    const index = this.index + 1
    if (index >= this.view.count) {
      this.valid = false
      return
    }
    if (index === this.groupEnd) this.enterGroup(this.tailEnd, index + this.view.interval)
    this.index = index
    this.take(this.tailEnd, this.valueEnd)
  }

  prev(): void {
    if (this.index === 0) {
      this.valid = false
      return
    }
    const { view } = this
    const index = this.index - 1
    // Before the head of a group comes the last entry of the previous group.
    if (this.index === this.groupEnd - view.interval) {
      this.toEntry(index)
      return
    }
    this.index = index
    this.take(this.tailStart - view.keyLength(index) + view.shared(index), this.valueStart - view.valueLength(index))
  }

  private toHead(group: number): void {
    const { view } = this
    this.index = group * view.interval
    this.enterGroup(view.groupKey(group), this.index + view.interval)
    this.take(this.headKey, view.groupValue(group))
  }

  private toEntry(index: number): void {
    const { view } = this
    const group = view.groupOf(index)
    const head = group * view.interval
    this.index = index
    this.enterGroup(view.groupKey(group), head + view.interval)
    this.take(this.headKey + view.tailBytes(head, index), view.groupValue(group) + view.valueBytes(head, index))
  }

  private enterGroup(headKey: number, groupEnd: number): void {
    this.headKey = headKey
    this.headBytes = 0
    this.groupEnd = groupEnd
  }

  /** Compares the first key of a group with `key[0, length)`. */
  compareHead(group: number, key: Uint8Array, length: number): number {
    const { view } = this
    const start = view.groupKey(group)
    const end = start + view.keyLength(group * view.interval)
    if (!(end <= view.keysEnd)) this.malformed()
    return compareRange(view.bytes, start, end, key, 0, length)
  }

  /** Rebuilds the entry at `index`, given where its key tail and its value begin. */
  private take(tailStart: number, valueStart: number): void {
    const { view, index } = this
    const { bytes } = view
    const length = view.keyLength(index)
    const shared = view.shared(index)
    const tailEnd = tailStart + length - shared
    const valueEnd = valueStart + view.valueLength(index)
    if (
      !(shared <= length && tailStart >= this.headKey + shared && tailEnd <= view.keysEnd && valueEnd <= view.keysStart)
    ) {
      this.malformed()
    }
    if (length > this.keyBytes.length) {
      this.keyBytes = new Uint8Array(length * 2)
      this.headBytes = 0
    }
    const { keyBytes } = this
    // Within a group, sorted keys share ever fewer bytes with their head. So each byte of the head
    // is copied at most once while the cursor moves forward.
    for (let i = this.headBytes; i < shared; i++) keyBytes[i] = bytes[this.headKey + i]!
    this.headBytes = tailStart === this.headKey ? length : shared
    for (let i = shared; i < length; i++) keyBytes[i] = bytes[tailStart + i - shared]!
    this.keyEnd = length
    this.tailStart = tailStart
    this.tailEnd = tailEnd
    this.valueStart = valueStart
    this.valueEnd = valueEnd
    this.sequence = view.sequence(index)
    this.kind = view.kind(index)
  }
}

const nothing = new Uint8Array(0)
