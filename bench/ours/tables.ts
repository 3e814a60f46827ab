import { closeSync, openSync, statSync, writeSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Compression } from "effect-lsm/LsmOptions"
import type * as Store from "effect-lsm/Store"
import { type Data, makeCountedData, makeData } from "../lib/data.js"
import { noteBeforeClose, noteBeforeOpen } from "../lib/resident.js"
import { type Contender, expect, type Figures } from "../lib/row.js"
import { readAll, withFilledStore } from "./store.js"

const bytesOf = ({ keys, values }: Data): number =>
  keys.reduce((sum, key) => sum + key.length, 0) + values.reduce((sum, value) => sum + value.length, 0)

const figuresOf = (entries: number, size: number, millis: number): Figures => ({
  "bytes/entry": size / entries,
  "ns/entry": (millis * 1e6) / entries
})

/** Scans all tables of a compacted store. */
const tables =
  (make: (entries: number) => Data, compression: Compression): Contender =>
  ({ entries, directory }) => {
    const data = make(entries)
    const measured = (store: Store.Store) =>
      Effect.gen(function* () {
        const read = Effect.map(readAll(store), (bytes) => expect("bytes read", bytes, bytesOf(data)))
        yield* read
        const begin = performance.now()
        yield* read
        const millis = performance.now() - begin
        return figuresOf(entries, (yield* store.stats).tableBytes, millis)
      })
    return withFilledStore(directory, data, measured, { compression })
  }

/** Reads the same data as JSON lines with keys and values in base64, read as a whole and split. */
const jsonLines =
  (make: (entries: number) => Data): Contender =>
  async ({ entries, directory }) => {
    const data = make(entries)
    const file = join(directory, "data.jsonl")
    noteBeforeOpen()
    writeLines(file, data)
    const read = async () => {
      let bytes = 0
      for (const line of (await readFile(file, "latin1")).split("\n")) {
        if (line === "") continue
        const entry: { readonly key: string; readonly value: string } = JSON.parse(line)
        bytes += Buffer.from(entry.key, "base64").length + Buffer.from(entry.value, "base64").length
      }
      expect("bytes read", bytes, bytesOf(data))
    }
    await read()
    const begin = performance.now()
    await read()
    const millis = performance.now() - begin
    noteBeforeClose()
    return figuresOf(entries, statSync(file).size, millis)
  }

const writeLines = (path: string, { keys, values }: Data): void => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")
  const file = openSync(path, "w")
  for (let from = 0; from < keys.length; from += 1000) {
    let text = ""
    for (let i = from; i < Math.min(from + 1000, keys.length); i++) {
      text += `${JSON.stringify({ key: base64(keys[i]!), value: base64(values[i]!) })}\n`
    }
    writeSync(file, text)
  }
  closeSync(file)
}

const contenders = (make: (entries: number) => Data) => ({
  tables: tables(make, "none"),
  "tables, deflated": tables(make, "deflate"),
  "JSON lines": jsonLines(make)
})

export const random = contenders(makeData)
export const counted = contenders(makeCountedData)
