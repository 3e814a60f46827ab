import { unusedFrom } from "../../src/core/log/logSegment.js"
import type { Files, Image } from "./image.js"

/** A way to damage a store's files. */
export interface Damage {
  readonly kind: "bit" | "cut" | "zeroed" | "extended" | "missing" | "swapped" | "moved" | "older"
  /** The damaged files. */
  readonly paths: ReadonlyArray<string>
  /** The damaged bytes of the first of them: from `offset` to `end`. */
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

/** Flips every bit of a file, one at a time. */
export function* flips(image: Image, path: string): Generator<Damage> {
  const { length } = image.files.get(path)!
  for (let offset = 0; offset < length; offset++) for (let bit = 0; bit < 8; bit++) yield flip(image, path, offset, bit)
}

/** Cuts a file to every shorter length. */
export function* cuts(image: Image, path: string): Generator<Damage> {
  const { length } = image.files.get(path)!
  for (let at = 0; at < length; at++) yield cut(image, path, at)
}

/**
 * Fills a file with zeros from every offset on. A disk may return zeros for pages that it never
 * wrote.
 */
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

/** Files that are missing, extended, swapped, or replaced by an older copy of themselves. */
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
        label: `${path} with ${what} appended`,
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

/** Pieces of a file copied to other offsets of the same file, and to the next file. */
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
