import type { Codec } from "./compression.js"

const KiB = 1024

/** The largest size of data blocks with a codec, if the option `blockBytes` is not set. */
const defaultBlockBytes: Readonly<Record<Codec, number>> = {
  none: 2 * KiB,
  deflate: 4 * KiB,
  zstd: 4 * KiB,
  lz4: 2 * KiB
}

export const blockBytesOf = (option: number | undefined, codec: Codec): number => option ?? defaultBlockBytes[codec]
