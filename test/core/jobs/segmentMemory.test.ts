import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { SegmentMemory } from "../../../src/core/jobs/segmentMemory.js"
import { StorageFailure } from "../../../src/core/storage/failure.js"
import { FakeFile } from "../../support/fakeFile.js"

const size = 3 * 1024 * 1024

const driverOf = (...files: ReadonlyArray<FakeFile>) => {
  const left = [...files]
  return { openRead: () => left.shift()!, create: () => files[0]!, yieldToEventLoop: () => undefined }
}

const fileOf = (bytes: number, fill: number) => FakeFile.of(new Uint8Array(bytes).fill(fill))

describe("the memory for log segments", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("is used again for segments of about the same size, and holds the new bytes only", () => {
    const memory = new SegmentMemory()
    const driver = driverOf(fileOf(size, 1), fileOf(size - 1000, 2), fileOf(100, 3), fileOf(size * 2, 4))
    const first = memory.read(driver, "1.log")
    memory.giveBack(first)
    const second = memory.read(driver, "2.log")
    expect(second.buffer).toBe(first.buffer)
    expect(second.length).toBe(size - 1000)
    expect(second.every((byte) => byte === 2)).toBe(true)
    memory.giveBack(second)
    const small = memory.read(driver, "3.log")
    expect(small.buffer.byteLength).toBeLessThan(size)
    const large = memory.read(driver, "4.log")
    expect(large.length).toBe(size * 2)
    expect(large.every((byte) => byte === 4)).toBe(true)
  })

  it("is not shared by two segments that are read at once", () => {
    const memory = new SegmentMemory()
    const driver = driverOf(fileOf(size, 1), fileOf(size, 2), fileOf(size, 3))
    const first = memory.read(driver, "1.log")
    const second = memory.read(driver, "2.log")
    memory.giveBack(first)
    memory.giveBack(second)
    const third = memory.read(driver, "3.log")
    expect(third.buffer).toBe(second.buffer)
    // That of the first one was freed when the second one came back.
    expect(first.buffer.byteLength).toBe(0)
  })

  it("is freed when no segment is read for a while", () => {
    const memory = new SegmentMemory()
    const driver = driverOf(fileOf(size, 1), fileOf(size, 2))
    const { buffer } = memory.read(driver, "1.log")
    memory.giveBack(new Uint8Array(buffer))
    vi.advanceTimersByTime(400)
    expect(memory.read(driver, "2.log").buffer).toBe(buffer)
    vi.advanceTimersByTime(1000)
    expect(buffer.byteLength).toBeGreaterThan(0)
    memory.giveBack(new Uint8Array(buffer))
    vi.advanceTimersByTime(1000)
    expect(buffer.byteLength).toBe(0)
  })

  it("is kept when a file cannot be read", () => {
    const memory = new SegmentMemory()
    const cut = fileOf(size, 1)
    cut.size = () => size + 1
    const driver = driverOf(fileOf(size, 1), cut, fileOf(size, 2))
    const { buffer } = memory.read(driver, "1.log")
    memory.giveBack(new Uint8Array(buffer))
    expect(() => memory.read(driver, "2.log")).toThrow(StorageFailure)
    expect(cut.closed).toBe(true)
    expect(memory.read(driver, "3.log").buffer.byteLength).toBeGreaterThanOrEqual(size)
  })
})
