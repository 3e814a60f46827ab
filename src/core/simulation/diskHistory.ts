import { dirname } from "node:path"
import type { DiskOperation } from "../storage/memoryFile.js"
import { describe, isWrite, type Pending, type PendingWrite, pages, tearings } from "./pending.js"
import { seeded, seedOf } from "./random.js"

/**
 * A state that a crash may leave a disk in, given the operations and syncs before it.
 *
 * The content of a file is durable if a finished sync of the file covered it. Changes to a
 * directory are durable if a finished sync of the directory followed them; its own name is a change
 * to its parent. Everything else is pending. Any of the pending changes may have reached the disk,
 * whatever their order (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 */
export interface CrashState {
  readonly label: () => string
  /** What the disk holds. Computed on demand, because many states are only counted. */
  readonly files: () => ReadonlyMap<string, Uint8Array>
}

/** How many random subsets of the pending changes to draw. */
const randomParts = 4

/** Follows the operations of a disk, and knows what is durable and what is pending. */
export class DiskHistory {
  private readonly durable = new Map<number, Uint8Array>()
  private names = new Map<string, number>()
  private pending: Array<Pending> = []
  private readonly appends = new Map<number, number>()

  constructor(initial: ReadonlyMap<string, Uint8Array> = new Map()) {
    let inode = 0
    for (const [path, bytes] of initial) {
      this.names.set(path, inode)
      this.durable.set(inode++, bytes)
    }
  }

  /** Takes the next operation. Returns true if the possible states have changed. */
  advance(event: DiskOperation): boolean {
    switch (event.kind) {
      case "create":
        this.durable.set(event.inode, new Uint8Array(0))
        this.pending.push({ kind: "link", path: event.path, inode: event.inode })
        return true
      case "append": {
        const { inode, offset, bytes } = event
        const number = this.appends.get(inode) ?? 0
        this.appends.set(inode, number + 1)
        this.pending.push({ kind: "write", inode, number, offset, bytes })
        return true
      }
      case "sync": {
        const covered = new Set(
          this.pending.filter((item) => isWrite(item) && item.inode === event.inode && item.number < event.appends)
        )
        this.durable.set(event.inode, this.content(event.inode, [...covered]))
        this.pending = this.pending.filter((item) => !covered.has(item))
        return true
      }
      case "rename":
        this.pending.push({ kind: "move", path: event.path, to: event.to })
        return true
      case "link":
        this.pending.push({ kind: "link", path: event.to, inode: event.inode })
        return true
      case "remove":
        this.pending.push({ kind: "unlink", path: event.path })
        return true
      case "make directory":
        this.pending.push({ kind: "directory", path: event.path })
        return true
      case "rename directory":
        this.pending.push({ kind: "move directory", path: event.path, to: event.to })
        return true
      case "sync directory": {
        const covered = this.pending.filter((item) => !isWrite(item) && dirname(item.path) === event.path)
        this.names = this.namesAfter(covered)
        this.pending = this.pending.filter((item) => !covered.includes(item))
        return true
      }
      default:
        return false
    }
  }

  /** The states that a crash now may leave. `seed` determines random subsets and garbage. */
  *states(seed: number): Generator<CrashState> {
    const pending = this.pending.slice()
    const without = (item: Pending) => pending.filter((other) => other !== item)
    const writes = pending.filter(isWrite)
    const names = pending.filter((item) => !isWrite(item))
    yield this.state(
      () => "nothing pending kept",
      () => []
    )
    if (pending.length === 0) return
    yield this.state(
      () => "all pending kept",
      () => pending
    )
    for (let i = 1; i < pending.length; i++)
      yield this.state(
        () => `the first ${i} kept`,
        () => pending.slice(0, i)
      )
    for (const item of pending) {
      yield this.state(
        () => `${describe(item)} left out`,
        () => without(item)
      )
      yield this.state(
        () => `${describe(item)} alone`,
        () => [item]
      )
    }
    if (writes.length > 0 && names.length > 0) {
      yield this.state(
        () => "all writes and no names",
        () => writes
      )
      yield this.state(
        () => "all names and no writes",
        () => names
      )
    }
    for (const item of names) {
      // A rename changes a directory twice. The new name may reach the disk before the old one
      // is gone.
      if (item.kind !== "move") continue
      const inode = this.inodeOf(item.path)
      if (inode === undefined) continue
      const both = { kind: "link", path: item.to, inode } as const
      yield this.state(
        () => `both names of ${describe(item)}`,
        () => pending.map((other) => (other === item ? both : other))
      )
    }
    for (const item of writes) {
      for (const { how, torn } of tearings(item)) {
        const drawn = seedOf(seed, writes.indexOf(item))
        yield this.state(
          () => `${describe(item)} torn ${how}`,
          () => [...writes.slice(0, writes.indexOf(item)), ...names, torn(drawn)]
        )
      }
    }
    for (let i = 0; i < randomParts; i++) {
      // Every second subset keeps all writes and only some names.
      const piecesOf = (item: PendingWrite) => (i % 2 === 0 ? pages(item) : [item])
      yield this.state(
        () => (i % 2 === 0 ? "a random part kept" : "all writes and random names kept"),
        () => {
          const random = seeded(seedOf(seed, 1_000_000 + i))
          return pending
            .flatMap((item): ReadonlyArray<Pending> => (isWrite(item) ? piecesOf(item) : [item]))
            .filter((item) => (i % 2 === 1 && isWrite(item)) || random() < 0.5)
        }
      )
    }
  }

  private state(label: () => string, kept: () => ReadonlyArray<Pending>): CrashState {
    return {
      label,
      files: () => {
        const items = kept()
        const lost = new Set(this.pending.flatMap((item) => (item.kind === "directory" ? [item.path] : [])))
        for (const item of items) if (item.kind === "directory") lost.delete(item.path)
        const files = new Map<string, Uint8Array>()
        const stayed = this.pending.filter((item) => item.kind === "move directory" && !items.includes(item))
        for (const [name, inode] of this.namesAfter(items)) {
          const path = stayed.reduceRight(movedBack, name)
          // Without its directory a file cannot be found, even if it was synced.
          if (!directoriesAbove(path).some((above) => lost.has(above))) files.set(path, this.content(inode, items))
        }
        return files
      }
    }
  }

  private namesAfter(kept: ReadonlyArray<Pending>): Map<string, number> {
    const names = new Map(this.names)
    for (const item of kept) {
      if (item.kind === "link") {
        names.set(item.path, item.inode)
      } else if (item.kind === "unlink") {
        names.delete(item.path)
      } else if (item.kind === "move directory") {
        for (const [path, inode] of [...names]) {
          if (!path.startsWith(`${item.path}/`)) continue
          names.delete(path)
          names.set(`${item.to}${path.slice(item.path.length)}`, inode)
        }
      } else if (item.kind === "move") {
        const inode = names.get(item.path) ?? this.inodeOf(item.path)
        names.delete(item.path)
        if (inode !== undefined) names.set(item.to, inode)
      }
    }
    return names
  }

  /**
   * The inode of a name. Pending links count, because a rename may reach the disk without the link.
   */
  private inodeOf(path: string): number | undefined {
    const link = this.pending.findLast((item) => item.kind === "link" && item.path === path)
    return link?.kind === "link" ? link.inode : this.names.get(path)
  }

  private content(inode: number, kept: ReadonlyArray<Pending>): Uint8Array {
    const durable = this.durable.get(inode)!
    const writes = kept.filter((item): item is PendingWrite => isWrite(item) && item.inode === inode)
    if (writes.length === 0) return durable
    const size = writes.reduce((n, { offset, bytes }) => Math.max(n, offset + bytes.length), durable.length)
    const content = new Uint8Array(size)
    content.set(durable)
    for (const { offset, bytes } of writes) content.set(bytes, offset)
    return content
  }
}

/** The path of a file whose directory was renamed, if that has not reached the disk. */
const movedBack = (path: string, move: Pending): string =>
  move.kind === "move directory" && path.startsWith(`${move.to}/`) ? `${move.path}${path.slice(move.to.length)}` : path

const directoriesAbove = (path: string): ReadonlyArray<string> => {
  const above = dirname(path)
  return above === path ? [] : [above, ...directoriesAbove(above)]
}
