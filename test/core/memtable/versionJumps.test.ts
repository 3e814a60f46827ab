import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { VersionJumps } from "../../../src/core/memtable/versionJumps.js"
import { check } from "../../support/property.js"

/** Chains of versions whose entries are added in any order. */
class Chains {
  readonly older: Int32Array
  readonly sequences: Float64Array
  readonly jumps: VersionJumps
  private readonly heads = new Map<number, number>()
  private count = 0

  constructor(
    private capacity: number,
    size: number
  ) {
    this.older = new Int32Array(size)
    this.sequences = new Float64Array(size)
    this.jumps = new VersionJumps(capacity)
  }

  add(chain: number): void {
    const id = this.count++
    if (id === this.capacity) {
      this.capacity *= 2
      this.jumps.grow(this.capacity)
    }
    this.older[id] = this.heads.get(chain) ?? -1
    this.sequences[id] = id + 1
    this.jumps.add(id, this.older[id]!)
    this.heads.set(chain, id)
  }

  /** The newest entry of a chain at or before `sequence`, and the steps to it. */
  find(chain: number, sequence: number): { readonly id: number; readonly steps: number } {
    let id = this.heads.get(chain) ?? -1
    let steps = 0
    for (; id >= 0 && this.sequences[id]! > sequence; steps++) {
      id = this.jumps.from(id, this.sequences, this.older, sequence)
    }
    return { id, steps }
  }
}

describe("shortcuts along versions", () => {
  it("lead to the newest version at or before any sequence number", () => {
    check(
      FastCheck.property(FastCheck.array(FastCheck.nat(2), { maxLength: 200, size: "max" }), (order) => {
        const chains = new Chains(1, order.length)
        for (const chain of order) chains.add(chain)
        for (let chain = 0; chain < 3; chain++) {
          for (let sequence = 0; sequence <= order.length; sequence++) {
            expect(chains.find(chain, sequence).id).toBe(sequence === 0 ? -1 : order.lastIndexOf(chain, sequence - 1))
          }
        }
      })
    )
  })

  it("take a number of steps that grows with the logarithm of the versions passed over", () => {
    const size = 100_000
    const chains = new Chains(64, size)
    for (let i = 0; i < size; i++) chains.add(0)
    for (let sequence = 0; sequence <= size; sequence += 97) {
      const { id, steps } = chains.find(0, sequence)
      expect(id).toBe(sequence - 1)
      expect(steps).toBeLessThanOrEqual(3 * Math.ceil(Math.log2(size)))
    }
  })
})
