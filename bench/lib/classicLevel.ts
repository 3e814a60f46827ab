import { ClassicLevel } from "classic-level"
import type { Data } from "./data.js"

const MiB = 1024 * 1024

/** Runs a program with a database that may use as much memory as our store does, and does not compress either. */
export const withLevel = async <A>(directory: string, use: (level: ClassicLevel) => Promise<A>): Promise<A> => {
  const level = new ClassicLevel(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
    compression: false,
    cacheSize: 64 * MiB,
    writeBufferSize: 64 * MiB
  })
  await level.open()
  try {
    return await use(level)
  } finally {
    await level.close()
  }
}

type Operations = Parameters<ClassicLevel["batch"]>[0]

export const fillLevel = async (level: ClassicLevel, data: Data, size = 1000): Promise<void> => {
  for (let from = 0; from < data.keys.length; from += size) {
    const to = Math.min(from + size, data.keys.length)
    const operations: Operations = []
    for (let i = from; i < to; i++) operations.push({ type: "put", key: data.keys[i]!, value: data.values[i]! })
    await level.batch(operations)
  }
}

/** A database with all of `data` in compacted tables, opened anew. */
export const withFilledLevel = async <A>(
  directory: string,
  data: Data,
  use: (level: ClassicLevel) => Promise<A>
): Promise<A> => {
  await withLevel(directory, async (level) => {
    await fillLevel(level, data)
    await level.compactRange(Buffer.alloc(0), Buffer.alloc(32, 0xff))
  })
  return withLevel(directory, use)
}
