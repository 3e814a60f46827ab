/** An element of one `LinkedList`. */
export abstract class Linked {
  /** @internal */
  list: object | undefined = undefined
  /** @internal */
  older: this | undefined = undefined
  /** @internal */
  newer: this | undefined = undefined
}

/**
 * Elements in the order in which they were added, that can be removed from anywhere in constant time.
 * A `Map` with objects as its keys takes several times as long for elements that stay for a short time.
 */
export class LinkedList<A extends Linked> {
  private first: A | undefined
  private last: A | undefined
  private count = 0

  get size(): number {
    return this.count
  }

  /** The one that was added before all others. */
  get oldest(): A | undefined {
    return this.first
  }

  /** Adds an element that is in no list. */
  add(element: A): void {
    element.list = this
    element.older = this.last
    if (this.last === undefined) this.first = element
    else this.last.newer = element
    this.last = element
    this.count++
  }

  has(element: A): boolean {
    return element.list === this
  }

  /** Returns false if the element is not in the list. */
  remove(element: A): boolean {
    if (element.list !== this) return false
    const { newer, older } = element
    if (older === undefined) this.first = newer
    else older.newer = newer
    if (newer === undefined) this.last = older
    else newer.older = older
    element.list = element.older = element.newer = undefined
    this.count--
    return true
  }

  *[Symbol.iterator](): Generator<A> {
    for (let next = this.first; next !== undefined; next = next.newer) yield next
  }
}
