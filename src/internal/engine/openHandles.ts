/** What is open until it is closed, or the store is. */
class Handle {
  before: Handle | undefined

  constructor(
    readonly close: () => void,
    public behind: Handle | undefined
  ) {}
}

/**
 * The cursors and snapshots that users have open. A list and not a Set: each table of a Set refers to
 * the one that replaces it, so one that an old generation holds keeps alive all that follow, until
 * the next full collection.
 */
export class OpenHandles {
  private first: Handle | undefined

  /** Remembers how to close something. The returned function forgets it; a second call does nothing. */
  add(close: () => void): () => void {
    const handle = new Handle(close, this.first)
    if (this.first !== undefined) this.first.before = handle
    this.first = handle
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.remove(handle)
    }
  }

  /** Closes all, from the newest to the oldest. A close may forget its own handle, or open another. */
  closeAll(): void {
    const handles: Array<Handle> = []
    for (let handle = this.first; handle !== undefined; handle = handle.behind) handles.push(handle)
    for (const { close } of handles) close()
  }

  private remove(handle: Handle): void {
    const { before, behind } = handle
    if (before === undefined) this.first = behind
    else before.behind = behind
    if (behind !== undefined) behind.before = before
    // An old handle must not keep younger ones alive.
    handle.before = undefined
    handle.behind = undefined
  }
}
