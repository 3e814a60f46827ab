/** Draws an integer from 0 to `below - 1`. */
export type Draw = (below: number) => number

/** Numbers that often break decoders. */
const extremes = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

const writeLittle = (bytes: Uint8Array, at: number, value: number, width: number): void => {
  for (let i = 0; i < width && at + i < bytes.length; i++) bytes[at + i] = Math.floor(value / 2 ** (8 * i)) & 0xff
}

/** Overwrites bytes with the varint of `value`. */
const writeVarint = (bytes: Uint8Array, at: number, value: number): void => {
  for (let i = 0; i < 10 && at + i < bytes.length; i++) {
    const more = value >= 0x80
    bytes[at + i] = (value & 0x7f) | (more ? 0x80 : 0)
    if (!more) return
    value = Math.floor(value / 128)
  }
}

const without = (bytes: Uint8Array, from: number, to: number): Uint8Array => {
  const shorter = new Uint8Array(bytes.length - (to - from))
  shorter.set(bytes.subarray(0, from))
  shorter.set(bytes.subarray(to), from)
  return shorter
}

const withInserted = (bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array => {
  const longer = new Uint8Array(bytes.length + piece.length)
  longer.set(bytes.subarray(0, at))
  longer.set(piece, at)
  longer.set(bytes.subarray(at), at + piece.length)
  return longer
}

const randomBytes = (length: number, draw: Draw): Uint8Array => Uint8Array.from({ length }, () => draw(256))

const mutateOnce = (bytes: Uint8Array, other: Uint8Array, draw: Draw): Uint8Array => {
  const at = draw(bytes.length + 1)
  const length = 1 + draw(draw(4) === 0 ? 300 : 12)
  const end = Math.min(bytes.length, at + length)
  const extreme =
    draw(5) === 0 ? bytes.length + draw(5) - 2 : draw(9) === 0 ? 2 ** 48 - 1 : extremes[draw(extremes.length)]!
  switch (draw(10)) {
    case 0:
    case 1:
      for (let i = draw(8); i >= 0 && bytes.length > 0; i--) bytes[draw(bytes.length)]! ^= 1 << draw(8)
      return bytes
    case 2:
      if (at < bytes.length) bytes[at] = extreme & 0xff
      return bytes
    case 3:
      writeLittle(bytes, at, extreme, [2, 4, 6][draw(3)]!)
      return bytes
    case 4:
      writeVarint(bytes, at, extreme)
      return bytes
    case 5:
      return bytes.slice(0, at)
    case 6:
      return without(bytes, at, end)
    case 7:
      return withInserted(bytes, at, bytes.slice(draw(bytes.length + 1)).subarray(0, length))
    case 8: {
      const from = draw(other.length + 1)
      return withInserted(bytes.slice(0, at), at, other.slice(from, from + draw(400)))
    }
    default:
      return withInserted(bytes, at, randomBytes(length, draw))
  }
}

/** Mutates `seed` one to four times. Once in a hundred times, returns random bytes instead. */
export const mutate = (seed: Uint8Array, other: Uint8Array, draw: Draw): Uint8Array => {
  if (draw(100) === 0) return randomBytes(draw(200), draw)
  let bytes: Uint8Array = seed.slice()
  for (let i = draw(4); i >= 0; i--) bytes = mutateOnce(bytes, other, draw)
  return bytes
}
