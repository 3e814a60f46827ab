import { describe, expect, it } from "vitest"
import { SegmentFailure } from "../../../src/core/jobs/tableJobs.js"
import { CorruptionFailure, FormatFailure, StorageFailure } from "../../../src/core/storage/failure.js"
import { toFailure } from "../../../src/core/storage/nodeFile.js"
import { decodeFailure, encodeFailure } from "../../../src/internal/background/wire.js"
import { fromFailure } from "../../../src/LsmError.js"

/** The failure as it arrives from the thread. */
const sent = (failure: unknown) => decodeFailure(structuredClone(encodeFailure(failure)))

describe("failures of the background thread", () => {
  it("arrive with their class and fields", () => {
    for (const failure of [
      new StorageFailure("append", "/a.sst", "EIO"),
      new CorruptionFailure("/a.sst", 7, "data block", "checksum mismatch"),
      new FormatFailure("/a.sst", 9),
      new SegmentFailure("12 operations, expected 13")
    ]) {
      const arrived = sent(failure)
      expect(arrived).toBeInstanceOf(failure.constructor)
      expect({ ...(arrived as object) }).toStrictEqual({ ...failure })
      expect((arrived as Error).message).toBe(failure.message)
    }
  })

  it("become the errors that the store's own thread raises, with the system's error as their cause", () => {
    const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
    const error = fromFailure(sent(toFailure("append", "/a.sst", cause)))
    expect(error).toMatchObject({ _tag: "DiskFull", operation: "append", path: "/a.sst" })
    expect(String((error.cause as Error).message)).toBe(cause.message)
  })

  it("that are defects arrive as errors, whatever was thrown", () => {
    expect(sent(new TypeError("undefined is not a function"))).toMatchObject({ message: "undefined is not a function" })
    expect(sent("text")).toBe("text")
    expect(sent(Symbol("odd"))).toBe("Symbol(odd)")
  })
})
