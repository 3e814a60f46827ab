import { describe, expect, it } from "vitest"
import { SyncPace } from "../../../src/core/storage/syncPace.js"

const limit = 1

/** For each sync of a series: did it run in the calling thread (here) or in the pool (elsewhere)? */
const syncs = (pace: SyncPace, count: number, millis: number): string => {
  let where = ""
  for (let i = 0; i < count; i++) {
    if (pace.isShort(limit)) {
      where += "h"
      pace.tookHere(millis)
    } else {
      where += "e"
      // The overhead of the thread pool.
      pace.tookElsewhere(millis + 0.1)
    }
  }
  return where
}

describe("SyncPace", () => {
  it("syncs in the calling thread once syncs have proved to be short", () => {
    expect(syncs(new SyncPace(), 20, 0.2)).toBe(`${"e".repeat(4)}${"h".repeat(16)}`)
  })

  it("never does so if syncs are long, or if nothing may block the thread", () => {
    expect(syncs(new SyncPace(), 200, 5)).toBe("e".repeat(200))
    const pace = new SyncPace()
    syncs(pace, 20, 0.2)
    expect(pace.isShort(0)).toBe(false)
  })

  it("stays in the calling thread if one sync in fifty is long", () => {
    const pace = new SyncPace()
    syncs(pace, 40, 0.25)
    for (let i = 0; i < 100; i++) expect(syncs(pace, 1, 2.5) + syncs(pace, 49, 0.25)).toBe("h".repeat(50))
  })

  it("uses the thread pool after a very long sync, for longer the longer it was", () => {
    const pausesAfter = (millis: number): number => {
      const pace = new SyncPace()
      syncs(pace, 40, 0.2)
      expect(syncs(pace, 1, millis)).toBe("h")
      const where = syncs(pace, 300, 0.2)
      expect(where).toMatch(/^e+h+$/)
      return where.indexOf("h")
    }
    expect(pausesAfter(20)).toBeGreaterThan(4)
    expect(pausesAfter(60)).toBeGreaterThan(pausesAfter(20) + 10)
    expect(pausesAfter(60)).toBeLessThan(60)
  })

  it("leaves the calling thread within a few syncs if all have become long", () => {
    const pace = new SyncPace()
    syncs(pace, 1000, 0.2)
    expect(syncs(pace, 200, 3)).toMatch(/^h{1,8}e+$/)
  })

  it("keeps syncs that are a little too long out of the calling thread", () => {
    expect(syncs(new SyncPace(), 1000, 1.5)).toBe("e".repeat(1000))
  })
})
