/**
 * Measures one structure, alone in its process: `child.ts <structure> <entries>` prints its figures
 * as JSON.
 */
import { keySize, makeRandom, valueSize } from "../lib/data.js"
import { expect, type Figures } from "../lib/row.js"
import { structures } from "./structures.js"

const [name = "", entriesText = ""] = process.argv.slice(2)
const entries = Number(entriesText)
const make = structures[name]
if (make === undefined || global.gc === undefined) throw new Error(`no structure ${name}, or no --expose-gc`)

const size = keySize + valueSize
const random = makeRandom(1)
const source = Buffer.alloc(entries * size)
for (let at = 0; at < source.length; at += 4) source.writeUInt32LE(random(), at)

/** Bytes of heap and typed arrays after a garbage collection. */
const memory = (): number => {
  global.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const timed = (work: () => void): number => {
  const begin = performance.now()
  work()
  return ((performance.now() - begin) * 1e6) / entries
}

const before = memory()
const structure = make()

const insert = timed(() => {
  for (let i = 0; i < entries; i++) {
    const start = i * size
    structure.insert(i + 1, source, start, start + keySize, start + size)
  }
})

const key = Buffer.alloc(keySize)
const lookup = timed(() => {
  // A stride without a common factor with the number of entries visits each entry once.
  for (let n = 0, i = 0; n < entries; n++, i = (i + 7_919) % entries) {
    for (let j = 0; j < keySize; j++) key[j] = source[i * size + j]!
    expect("sequence found", structure.find(key), i + 1)
  }
})

let sum = 0
const walk = timed(() => {
  sum = structure.walk()
})
const walkAgain = timed(() => structure.walk())
let expected = 0
for (let i = 0; i < entries; i++) expected += source[i * size + keySize]!
expect("sum of the walk", sum, expected)

const figures: Figures = {
  "insert ns": insert,
  "lookup ns": lookup,
  "first walk ns": walk,
  "next walk ns": walkAgain,
  "bytes beyond data": (memory() - before) / entries - size
}
console.log(JSON.stringify(figures))
