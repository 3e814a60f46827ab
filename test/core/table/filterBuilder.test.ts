import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { FilterBuilder } from "../../../src/core/table/filterBuilder.js"

const key = new ReusableLookupKey()

const encoded = (keys: number, rate: number, name: (i: number) => string | Uint8Array): Buffer => {
  const builder = new FilterBuilder(keys, rate)
  for (let i = 0; i < keys; i++) builder.add(key.set(name(i)))
  const { bytes, hashCount } = builder.build()
  return Buffer.of(hashCount, ...bytes)
}

const numbered = (i: number) => `user:${i}`

describe("FilterBuilder", () => {
  // The bits of the first version of table format 2. Tables on disk depend on them, so they must
  // never change.
  it.each([
    [
      "numbered keys",
      8,
      0.01,
      numbered,
      "084040041014400001000002800000100000810000601000000842804080804080141c0802400008200ad000310000624001202a1000200080000898a200010008"
    ],
    [
      "numbered keys, a size between bytes",
      5,
      0.999,
      numbered,
      "0100400010140000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000008000000000"
    ],
    [
      "the empty key",
      1,
      0.5,
      () => "",
      "0200000000000000000000000000000000000000000000000000000000000000000002000000000000000000000000400000000000000000000000000000000000"
    ],
    [
      "keys of bytes",
      16,
      0.1,
      (i: number) => Uint8Array.of(i, 255 - i, 0),
      "0410000040188000882800000011081002040010058084cc0008200001040080084042200024100140002000280800409000002020008064000010000402183140"
    ]
  ])("sets the bits of table format 2 for %s", (_, keys, rate, name, bytes) => {
    expect(encoded(keys, rate, name).toString("hex")).toBe(bytes)
  })

  it.each([
    [10_000, 0.01, "ebdac2c0ecbef0b168a32352dbb0520fe7a8568d00b677520399a32d4a2ba3db"],
    [10_000, 0.1, "d39e4119d441959edf04db41ef4484554a31b8b4a154bdc518387dfb8090a264"],
    [1000, 1e-6, "30a3ab4b99bce1883f655a20511a50fbaea0b02234bb559c18267ce1182c6bab"],
    [50_000, 0.5, "d13b385619d6c1e9bc9df3794884c80e17a962b578dcf647fadd3cbe339e48b6"]
  ])("sets the bits of table format 2 for %i keys at %d", (keys, rate, digest) => {
    expect(
      createHash("sha256")
        .update(encoded(keys, rate, numbered))
        .digest("hex")
    ).toBe(digest)
  })
})
