/** The loops over a database of abstract-level. All databases run the same ones. */
import type { AbstractLevel } from "abstract-level"
import { makeRandom, shuffled } from "../lib/data.js"

export type Level = AbstractLevel<string | Buffer | Uint8Array, string, string>

/** Opens a database in a directory with the defaults of its package. */
export type OpenLevel = (directory: string) => Level

/** Entries of a second for each loop. */
export type Rates = Readonly<Record<string, number>>

const perBatch = 1000
const perRange = 100

const textOf = (random: () => number, length: number): string => {
  let text = ""
  while (text.length < length) text += random().toString(36).padStart(7, "0")
  return text.slice(0, length)
}

/** Runs a loop over `count` entries, and returns its rate. */
const timed = async (count: number, loop: () => Promise<void>): Promise<number> => {
  const begin = performance.now()
  await loop()
  return (count * 1000) / (performance.now() - begin)
}

const expectCount = (found: number, count: number): void => {
  if (found !== count) throw new Error(`found ${found} entries, not ${count}`)
}

/** Measures every loop whose name has `part`, with `count` entries: strings of 16 and 100 characters, keys in random order. */
export const measureLevel = async (open: OpenLevel, directory: string, count: number, part: string): Promise<Rates> => {
  const random = makeRandom(1)
  const keys = Array.from({ length: count }, () => textOf(random, 16))
  const values = Array.from({ length: count }, () => textOf(random, 100))
  const order = shuffled(keys, 2)

  const put = (database: Level, most: number) =>
    timed(most, async () => {
      for (let i = 0; i < most; i++) await database.put(keys[i]!, values[i]!)
    })
  const batches = (database: Level, most: number, write: (database: Level, from: number) => Promise<void>) =>
    timed(most, async () => {
      for (let from = 0; from < most; from += perBatch) await write(database, from)
    })
  const array = (database: Level, from: number) => {
    const operations: Array<{ type: "put"; key: string; value: string }> = []
    for (let i = from; i < from + perBatch; i++) operations.push({ type: "put", key: keys[i]!, value: values[i]! })
    return database.batch(operations)
  }
  const chained = (database: Level, from: number) => {
    const batch = database.batch()
    for (let i = from; i < from + perBatch; i++) batch.put(keys[i]!, values[i]!)
    return batch.write()
  }
  const fill = {
    put,
    "batch of 1000": (database: Level, most: number) => batches(database, most, array),
    "chained batch of 1000": (database: Level, most: number) => batches(database, most, chained)
  }

  const read: Record<string, (database: Level) => Promise<number>> = {
    get: (database) =>
      timed(count, async () => {
        let found = 0
        for (const key of order) if ((await database.get(key)) !== undefined) found++
        expectCount(found, count)
      }),
    getSync: (database) =>
      timed(count, async () => {
        let found = 0
        for (const key of order) if (database.getSync(key) !== undefined) found++
        expectCount(found, count)
      }),
    "getMany of 100": (database) =>
      timed(count, async () => {
        let found = 0
        for (let from = 0; from < count; from += perRange) {
          for (const value of await database.getMany(order.slice(from, from + perRange)))
            if (value !== undefined) found++
        }
        expectCount(found, count)
      }),
    "iterate with for await": (database) =>
      timed(count, async () => {
        let found = 0
        for await (const [key] of database.iterator()) if (key.length > 0) found++
        expectCount(found, count)
      }),
    "iterate with nextv": (database) =>
      timed(count, async () => {
        let found = 0
        const iterator = database.iterator()
        for (let some = await iterator.nextv(1000); some.length > 0; some = await iterator.nextv(1000)) {
          found += some.length
        }
        await iterator.close()
        expectCount(found, count)
      }),
    "keys with nextv": (database) =>
      timed(count, async () => {
        let found = 0
        const iterator = database.keys()
        for (let some = await iterator.nextv(1000); some.length > 0; some = await iterator.nextv(1000)) {
          found += some.length
        }
        await iterator.close()
        expectCount(found, count)
      }),
    "ranges of 100": (database) =>
      timed(count, async () => {
        for (let from = 0; from < count; from += perRange) {
          await database.iterator({ gte: order[from]!, limit: perRange }).all()
        }
      })
  }

  const rates: Record<string, number> = {}
  let directories = 0
  const withDatabase = async (use: (database: Level) => Promise<void>) => {
    const database = open(`${directory}/${directories++}`)
    await database.open()
    await use(database)
    await database.close()
  }
  for (const [name, loop] of Object.entries(fill)) {
    if (!name.includes(part)) continue
    // V8 compiles code for the first store that it sees, and again for others.
    for (let i = 0; i < 2; i++) await withDatabase(async (database) => void (await loop(database, count)))
    await withDatabase(async (database) => {
      rates[name] = await loop(database, count)
    })
  }
  await withDatabase(async (database) => {
    await fill["batch of 1000"](database, count)
    await (database as unknown as { compactRange: (a: string, b: string) => Promise<void> }).compactRange("", "~")
    for (const [name, loop] of Object.entries(read)) {
      if (!name.includes(part)) continue
      await loop(database)
      rates[name] = await loop(database)
    }
  })
  return rates
}
