import { unusedFrom } from "../../src/core/log/logSegment.js"
import type { Files, Image } from "./image.js"

/** One way in which a store's files come to harm. */
export interface Damage {
  readonly kind: "bit" | "cut" | "zeroed" | "extended" | "missing" | "swapped" | "moved" | "older"
  /** The files that are not what they were. */
  readonly paths: ReadonlyArray<string>
  /** Where in the first of them: the bytes from `offset` to `end`. */
  readonly offset: number
  readonly end: number
  readonly label: string
  readonly apply: () => Files
}

const replaced = (files: Files, path: string, bytes: Uint8Array | undefined): Files => {
  const next = new Map(files)
  if (bytes === undefined) next.delete(path)
  else next.set(path, bytes)
  return next
}

export const flip = ({ files }: Image, path: string, offset: number, bit: number): Damage => ({
  kind: "bit",
  paths: [path],
  offset,
  end: offset + 1,
  label: `bit ${bit} of byte ${offset} of ${path}`,
  apply: () => {
    const bytes = files.get(path)!.slice()
    bytes[offset]! ^= 1 << bit
    return replaced(files, path, bytes)
  }
})

export const cut = ({ files }: Image, path: string, offset: number): Damage => ({
  kind: "cut",
  paths: [path],
  offset,
  end: Number.POSITIVE_INFINITY,
  label: `${path} cut at ${offset}`,
  apply: () => replaced(files, path, files.get(path)!.slice(0, offset))
})

/** Every bit of every byte of a file. */
export function* flips(image: Image, path: string): Generator<Damage> {
  const { length } = image.files.get(path)!
  for (let offset = 0; offset < length; offset++) for (let bit = 0; bit < 8; bit++) yield flip(image, path, offset, bit)
}

/** Every length that a file may be cut to. */
export function* cuts(image: Image, path: string): Generator<Damage> {
  const { length } = image.files.get(path)!
  for (let at = 0; at < length; at++) yield cut(image, path, at)
}

/** Zeros from every place of a file on: what a disk gives for a piece that it never wrote. */
export function* zeroed({ files }: Image, path: string): Generator<Damage> {
  const whole = files.get(path)!
  for (let at = 0; at < whole.length; at++) {
    yield {
      kind: "zeroed",
      paths: [path],
      offset: at,
      end: Number.POSITIVE_INFINITY,
      label: `${path} with zeros from ${at} on`,
      apply: () => replaced(files, path, whole.slice().fill(0, at))
    }
  }
}

/** Files missing, longer, swapped, replaced by an older copy of themselves. */
export function* wholeFiles(image: Image): Generator<Damage> {
  const paths = [...image.files.keys()]
  for (const path of paths) {
    yield {
      kind: "missing",
      paths: [path],
      offset: 0,
      end: Number.POSITIVE_INFINITY,
      label: `${path} missing`,
      apply: () => replaced(image.files, path, undefined)
    }
    const bytes = image.files.get(path)!
    for (const [what, tail] of [
      ["zeros", new Uint8Array(64)],
      ["its own beginning", bytes.slice(0, 256)]
    ] as const) {
      yield {
        kind: "extended",
        paths: [path],
        offset: bytes.length,
        end: Number.POSITIVE_INFINITY,
        label: `${path} with ${what} behind it`,
        apply: () => replaced(image.files, path, Buffer.concat([bytes, tail]))
      }
    }
  }
  for (const [i, a] of paths.entries()) {
    for (const b of paths.slice(i + 1)) {
      yield {
        kind: "swapped",
        paths: [a, b],
        offset: 0,
        end: Number.POSITIVE_INFINITY,
        label: `${a} and ${b} swapped`,
        apply: () => replaced(replaced(image.files, a, image.files.get(b)!), b, image.files.get(a)!)
      }
    }
  }
  for (const { path, bytes } of image.older) {
    yield {
      kind: "older",
      paths: [path],
      offset: unusedFrom(bytes, 0),
      end: Number.POSITIVE_INFINITY,
      label: `${path} as it was when it had ${bytes.length} bytes`,
      apply: () => replaced(image.files, path, bytes)
    }
  }
}

/** Pieces of files copied over others, in the same file and in others of its kind. */
export function* moves(image: Image, size: number, stride: number): Generator<Damage> {
  const paths = [...image.files.keys()]
  for (const [i, from] of paths.entries()) {
    const source = image.files.get(from)!
    for (const to of [from, paths[(i + 1) % paths.length]!]) {
      const target = image.files.get(to)!
      for (let at = 0; at + size <= source.length; at += stride) {
        for (let offset = 0; offset + size <= target.length; offset += stride) {
          if (from === to && at === offset) continue
          yield {
            kind: "moved",
            paths: [to],
            offset,
            end: offset + size,
            label: `${size} bytes at ${at} of ${from} copied to ${offset} of ${to}`,
            apply: () => {
              const bytes = target.slice()
              bytes.set(source.subarray(at, at + size), offset)
              return replaced(image.files, to, bytes)
            }
          }
        }
      }
    }
  }
}
