import { createHash } from "node:crypto"
import { dirname } from "node:path"
import type { Event } from "./journal.js"

/**
 * The states that a crash may leave a disk in, given what had been done and synced until then.
 *
 * Durable is: of a file, what a finished sync of it covered; of a directory, the changes before a finished sync of it. Everything else
 * is pending, and each pending piece may or may not have reached the disk, whatever the order in which it was
 * asked for (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 */
export interface CrashState {
  readonly label: string
  /** What the disk then holds: made on demand, for many states are only counted. */
  readonly files: () => ReadonlyMap<string, Uint8Array>
}

interface PendingWrite {
  readonly kind: "write"
  readonly inode: number
  readonly offset: number
  readonly bytes: Uint8Array
}
type PendingName =
  | { readonly kind: "link"; readonly path: string; readonly inode: number }
  | { readonly kind: "move"; readonly path: string; readonly to: string }
  | { readonly kind: "unlink"; readonly path: string }
type Pending = PendingWrite | PendingName

/** A disk as it is known to be at one moment: what is durable, and what is pending. */
export class DiskHistory {
  private readonly durable = new Map<number, Uint8Array>()
  private names = new Map<string, number>()
  private pending: Array<Pending> = []
  submitted = 0
  kept = 0

  constructor(initial: ReadonlyMap<string, Uint8Array> = new Map()) {
    let inode = 0
    for (const [path, bytes] of initial) {
      this.names.set(path, inode)
      this.durable.set(inode++, bytes)
    }
  }

  /** Takes the next event; true when the states that are possible have changed. */
  advance(event: Event): boolean {
    switch (event.kind) {
      case "submitted":
        this.submitted = event.batch
        return false
      case "kept":
        this.kept = event.batch
        return true
      case "create":
        this.durable.set(event.inode, new Uint8Array(0))
        this.pending.push({ kind: "link", path: event.path, inode: event.inode })
        return true
      case "append":
        this.pending.push({ kind: "write", inode: event.inode, offset: event.offset, bytes: event.bytes })
        return true
      case "sync": {
        const covered = this.pending.filter(
          (item) => item.kind === "write" && item.inode === event.inode && item.offset < event.length
        )
        const content = this.content(event.inode, covered)
        this.durable.set(event.inode, content.subarray(0, event.length))
        this.pending = this.pending.filter((item) => !covered.includes(item))
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
      case "sync directory": {
        const covered = this.pending.filter((item) => item.kind !== "write" && dirname(item.path) === event.path)
        this.names = this.namesAfter(covered)
        this.pending = this.pending.filter((item) => !covered.includes(item))
        return true
      }
      default:
        return false
    }
  }

  /** Every state that the disk may be found in after a crash now; `random` draws subsets and garbage. */
  *states(random: () => number): Generator<CrashState> {
    const { pending } = this
    yield this.state("nothing pending kept", [])
    if (pending.length === 0) return
    yield this.state("all pending kept", pending)
    for (let i = 1; i < pending.length; i++) yield this.state(`the first ${i} kept`, pending.slice(0, i))
    for (let i = 0; i < pending.length; i++) {
      yield this.state(
        `${describe(pending[i]!)} left out`,
        pending.filter((_, j) => j !== i)
      )
      yield this.state(`${describe(pending[i]!)} alone`, [pending[i]!])
    }
    for (let i = 0; i < pending.length; i++) {
      const item = pending[i]!
      if (item.kind !== "write") continue
      const names = pending.filter(({ kind }) => kind !== "write")
      const before = [...pending.slice(0, i).filter(({ kind }) => kind === "write"), ...names]
      for (const [how, torn] of tearings(item, random))
        yield this.state(`${describe(item)} torn ${how}`, [...before, torn])
    }
    for (let i = 0; i < 4; i++) {
      const pieces = pending.flatMap((item): ReadonlyArray<Pending> => (item.kind === "write" ? pages(item) : [item]))
      yield this.state(
        "a random part kept",
        pieces.filter(() => random() < 0.5)
      )
    }
  }

  private state(label: string, kept: ReadonlyArray<Pending>): CrashState {
    return {
      label,
      files: () => {
        const files = new Map<string, Uint8Array>()
        for (const [path, inode] of this.namesAfter(kept)) files.set(path, this.content(inode, kept))
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
      } else if (item.kind === "move") {
        const inode = names.get(item.path) ?? this.inodeOf(item.path)
        names.delete(item.path)
        if (inode !== undefined) names.set(item.to, inode)
      }
    }
    return names
  }

  /** The inode that a pending link gave to a name: a rename may reach the disk without it. */
  private inodeOf(path: string): number | undefined {
    const link = this.pending.findLast((item) => item.kind === "link" && item.path === path)
    return link?.kind === "link" ? link.inode : undefined
  }

  private content(inode: number, kept: ReadonlyArray<Pending>): Uint8Array {
    const durable = this.durable.get(inode)!
    const writes = kept.filter((item): item is PendingWrite => item.kind === "write" && item.inode === inode)
    const size = writes.reduce((n, { offset, bytes }) => Math.max(n, offset + bytes.length), durable.length)
    const content = new Uint8Array(size)
    content.set(durable)
    for (const { offset, bytes } of writes) content.set(bytes, offset)
    return content
  }
}

const describe = (item: Pending): string =>
  item.kind === "write"
    ? `${item.bytes.length} bytes at ${item.offset} of inode ${item.inode}`
    : `${item.kind} ${item.path}`

/** A write of which only a part arrived; the rest is not there, or zeros, or garbage. */
function* tearings(item: PendingWrite, random: () => number): Generator<readonly [string, PendingWrite]> {
  const { length } = item.bytes
  const boundaries = [512, 4096].map((size) => size - (item.offset % size))
  const cuts = new Set([1, 15, 16, 17, length >>> 1, length - 1, ...boundaries])
  for (const cut of cuts) {
    if (cut <= 0 || cut >= length) continue
    yield [`after ${cut}`, { ...item, bytes: item.bytes.subarray(0, cut) }]
    const zeros = item.bytes.slice().fill(0, cut)
    yield [`after ${cut}, then zeros`, { ...item, bytes: zeros }]
    const garbage = item.bytes.slice()
    for (let i = cut; i < length; i++) garbage[i] = Math.floor(random() * 256)
    yield [`after ${cut}, then garbage`, { ...item, bytes: garbage }]
  }
}

const pageSize = 4096

/** The pieces of a write that a disk may write on their own. */
const pages = (item: PendingWrite): ReadonlyArray<PendingWrite> => {
  const pieces: Array<PendingWrite> = []
  for (let at = 0; at < item.bytes.length; ) {
    const offset = item.offset + at
    const end = Math.min(item.bytes.length, at + pageSize - (offset % pageSize))
    pieces.push({ ...item, offset, bytes: item.bytes.subarray(at, end) })
    at = end
  }
  return pieces
}

/** A digest of a state together with what must be found in it: equal ones need no second look. */
export const digest = (files: ReadonlyMap<string, Uint8Array>, kept: number): string => {
  const hash = createHash("sha1").update(`${kept};`)
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path)!
    hash.update(`${path}:${bytes.length};`).update(bytes)
  }
  return hash.digest("base64")
}

/** Mulberry32 (T. Ettinger, public domain): a small seeded generator. */
export const seeded = (seed: number): (() => number) => {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
