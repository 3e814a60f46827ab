import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { FilterBuilder } from "../../../src/core/table/filterBuilder.js"

const key = new ReusableLookupKey()

const encoded = (keys: number, rate: number, name: (i: number) => string | Uint8Array): Buffer => {
  const builder = new FilterBuilder(keys, rate)
  for (let i = 0; i < keys; i++) builder.add(key.set(name(i)))
  return Buffer.from(builder.build().encode())
}

const numbered = (i: number) => `user:${i}`

describe("FilterBuilder", () => {
  // The bits of the first version of table format 1. Tables on disk depend on them, so they must
  // never change.
  it.each([
    ["numbered keys", 8, 0.01, numbered, "4d000000070000007c8ec4cc93cca40dd611"],
    ["numbered keys, a size between bytes", 5, 0.999, numbered, "010000000100000001"],
    ["the empty key", 1, 0.5, () => "", "020000000200000003"],
    ["keys of bytes", 16, 0.1, (i: number) => Uint8Array.of(i, 255 - i, 0), "4d000000040000004f5fcd095f9433db3b05"]
  ])("sets the bits of table format 1 for %s", (_, keys, rate, name, bytes) => {
    expect(encoded(keys, rate, name).toString("hex")).toBe(bytes)
  })

  it.each([
    [10_000, 0.01, "27cae1e48dbb5323250e67c4ca971a6c6c43f8295a026ca8ebccfeb7890e2470"],
    [10_000, 0.1, "778b00456a17d9204433892d9693a8ca9d93f20374c8d0c8c316ab752f218067"],
    [1000, 1e-6, "47c92745995c22f4051a7b4e3688c8b4b0bf39c8f8dfeff324908f1772c6f5cc"],
    [50_000, 0.5, "14cddc5a3bb6a2efc50138b49ce989ab55cf411f5aa0226e246c90b1eb70a4db"]
  ])("sets the bits of table format 1 for %i keys at %d", (keys, rate, digest) => {
    expect(
      createHash("sha256")
        .update(encoded(keys, rate, numbered))
        .digest("hex")
    ).toBe(digest)
  })
})
