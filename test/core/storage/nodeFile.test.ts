import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FastCheck from "effect/FastCheck"
import { afterAll, describe, expect, it } from "vitest"
import { makeNodeDriver } from "../../../src/core/storage/nodeFile.js"
import { readExactly } from "../../../src/core/storage/storageDriver.js"
import { check } from "../../support/property.js"

const directory = mkdtempSync(join(tmpdir(), "effect-lsm-"))
afterAll(() => rmSync(directory, { recursive: true }))

const append = FastCheck.record({ length: FastCheck.integer({ min: 1, max: 40_000 }), ahead: FastCheck.boolean() })

describe("a Node file", () => {
  it("holds what was appended, followed by zeros if it grows ahead", () => {
    let number = 0
    check(
      FastCheck.property(FastCheck.array(append, { minLength: 1, maxLength: 20 }), (appends) => {
        const path = join(directory, String(number++))
        const file = makeNodeDriver(0o600).create(path)
        const written: Array<Uint8Array> = []
        for (const [i, { length, ahead }] of appends.entries()) {
          const bytes = new Uint8Array(length).fill(i + 1)
          written.push(bytes)
          file.append(bytes, 0, length, ahead)
        }
        file.close()
        const all = Buffer.concat(written)
        const found = readFileSync(path)
        expect(found.subarray(0, all.length).equals(all)).toBe(true)
        expect(found.subarray(all.length).every((byte) => byte === 0)).toBe(true)
        const most = appends.some(({ ahead }) => ahead) ? Math.max(16 * 1024, all.length) + 4096 : 0
        expect(found.length - all.length).toBeLessThanOrEqual(most)
      }),
      50
    )
  })

  it("splits reads and appends that are too long for one call", () => {
    let number = 0
    check(
      FastCheck.property(
        FastCheck.uint8Array({ minLength: 1, maxLength: 500 }),
        FastCheck.integer({ min: 1, max: 200 }),
        FastCheck.nat(300),
        (bytes, mostAtOnce, position) => {
          const path = join(directory, `pieces ${number++}`)
          const driver = makeNodeDriver(0o600, mostAtOnce)
          const file = driver.create(path)
          file.append(bytes, 0, bytes.length)
          file.append(bytes, 0, bytes.length, true)
          file.close()
          const reader = driver.openRead(path)
          expect(reader.read(new Uint8Array(500), 0, 500, 0)).toBeLessThanOrEqual(mostAtOnce)
          const twice = Buffer.concat([bytes, bytes])
          expect(Buffer.from(readExactly(reader, 0, twice.length)).equals(twice)).toBe(true)
          const rest = readExactly(reader, position, Math.max(0, twice.length - position))
          expect(Buffer.from(rest).equals(twice.subarray(position))).toBe(true)
          reader.close()
        }
      ),
      50
    )
  })

  it("does not grow by appends that fit into the zeros", () => {
    const path = join(directory, "sizes")
    const file = makeNodeDriver(0o600).create(path)
    const sizes = new Set<number>()
    for (let i = 0; i < 10_000; i++) {
      file.append(new Uint8Array(100).fill(1), 0, 100, true)
      sizes.add(file.size())
    }
    file.close()
    expect(sizes.size).toBeLessThan(12)
  })
})
