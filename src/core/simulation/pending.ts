import { seeded } from "./random.js"

export interface PendingWrite {
  readonly kind: "write"
  readonly inode: number
  /** How many appends to the inode came before this one. */
  readonly number: number
  readonly offset: number
  readonly bytes: Uint8Array
}

export type PendingName =
  | { readonly kind: "link"; readonly path: string; readonly inode: number }
  | { readonly kind: "move"; readonly path: string; readonly to: string }
  /** A directory that was renamed with all that is in it. */
  | { readonly kind: "move directory"; readonly path: string; readonly to: string }
  | { readonly kind: "unlink"; readonly path: string }
  /** A new directory. Its name is an entry of its parent. */
  | { readonly kind: "directory"; readonly path: string }

/** A change that is not synced yet. It may or may not have reached the disk. */
export type Pending = PendingWrite | PendingName

export const isWrite = (item: Pending): item is PendingWrite => item.kind === "write"

export const describe = (item: Pending): string =>
  item.kind === "write"
    ? `${item.bytes.length} bytes at ${item.offset} of inode ${item.inode}`
    : `${item.kind} ${item.path}`

/** A way to tear a write, so that only a part of it reaches the disk. */
export interface Tearing {
  readonly how: string
  /** What the disk holds of the write. `seed` determines the garbage. */
  readonly torn: (seed: number) => PendingWrite
}

const pageSize = 4096
const fileHeaderSize = 32
const frameHeaderSize = 16

/**
 * Offsets at which to tear a write: after its first byte, around the headers, in the middle, before
 * its last byte, at boundaries of sectors and pages.
 */
const cutsOf = ({ bytes, offset }: PendingWrite): ReadonlyArray<number> => {
  const { length } = bytes
  const cuts = new Set([1, length >>> 1, length - 1])
  for (const header of offset === 0 ? [frameHeaderSize, fileHeaderSize] : [frameHeaderSize])
    for (const cut of [header - 1, header, header + 1]) cuts.add(cut)
  cuts.add(512 - (offset % 512)).add(length - ((offset + length) % 512))
  for (let cut = pageSize - (offset % pageSize), n = 0; cut < length && n < 4; cut += pageSize, n++) cuts.add(cut)
  return [...cuts].filter((cut) => cut > 0 && cut < length)
}

/** The ways to tear a write. The rest of it is absent, zeros or garbage. */
export function* tearings(item: PendingWrite): Generator<Tearing> {
  const { bytes } = item
  const withRest = (cut: number, rest: (part: Uint8Array) => void): PendingWrite => {
    const copy = bytes.slice()
    rest(copy.subarray(cut))
    return { ...item, bytes: copy }
  }
  const zeros = (part: Uint8Array): void => void part.fill(0)
  const garbage = (seed: number) => (part: Uint8Array) => {
    const random = seeded(seed)
    for (let i = 0; i < part.length; i++) part[i] = Math.floor(random() * 256)
  }
  // The file has grown, but nothing of the data was written.
  yield { how: "as zeros", torn: () => withRest(0, zeros) }
  yield { how: "as garbage", torn: (seed) => withRest(0, garbage(seed)) }
  for (const cut of cutsOf(item)) {
    yield { how: `after ${cut}`, torn: () => ({ ...item, bytes: bytes.subarray(0, cut) }) }
    yield { how: `after ${cut}, then zeros`, torn: () => withRest(cut, zeros) }
    yield { how: `after ${cut}, then garbage`, torn: (seed) => withRest(cut, garbage(seed)) }
  }
}

/** The pages of a write. A disk may write each of them independently. */
export const pages = (item: PendingWrite): ReadonlyArray<PendingWrite> => {
  const pieces: Array<PendingWrite> = []
  for (let at = 0; at < item.bytes.length; ) {
    const offset = item.offset + at
    const end = Math.min(item.bytes.length, at + pageSize - (offset % pageSize))
    pieces.push({ ...item, offset, bytes: item.bytes.subarray(at, end) })
    at = end
  }
  return pieces
}
