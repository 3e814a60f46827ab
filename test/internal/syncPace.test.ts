import { describe, expect, it } from "vitest"
import { SyncPace } from "../../src/internal/syncPace.js"

const limit = 1

/** What each of so many syncs of this length came to: here, or elsewhere. */
const syncs = (pace: SyncPace, count: number, millis: number): string => {
  let where = ""
  for (let i = 0; i < count; i++) {
    if (pace.isShort(limit)) {
      where += "h"
      pace.tookHere(millis, limit)
    } else {
      where += "e"
      // The way through the thread pool.
      pace.tookElsewhere(millis + 0.1, limit)
    }
  }
  return where
}

describe("the pace of syncs", () => {
  it("does them in the calling thread once they have shown to be short", () => {
    expect(syncs(new SyncPace(), 20, 0.2)).toBe(`${"e".repeat(4)}${"h".repeat(16)}`)
  })

  it("never does so where they are long, or where nothing may hold the thread", () => {
    expect(syncs(new SyncPace(), 200, 5)).toBe("e".repeat(200))
    const pace = new SyncPace()
    syncs(pace, 20, 0.2)
    expect(pace.isShort(0)).toBe(false)
  })

  it("goes back to the thread pool for a while after one long sync, the longer the longer it was", () => {
    const pace = new SyncPace()
    syncs(pace, 40, 0.2)
    expect(syncs(pace, 1, 1.5)).toBe("h")
    expect(syncs(pace, 60, 0.2)).toBe(`${"e".repeat(8)}${"h".repeat(52)}`)
    expect(syncs(pace, 1, 30)).toBe("h")
    expect(syncs(pace, 130, 0.2)).toBe(`${"e".repeat(120)}${"h".repeat(10)}`)
  })

  it("goes back for longer when the next ones are long again", () => {
    const pace = new SyncPace()
    syncs(pace, 40, 0.2)
    for (const pause of [8, 16, 32, 64, 64]) {
      expect(syncs(pace, 1, 1.5)).toBe("h")
      expect(syncs(pace, pause, 0.2)).toBe("e".repeat(pause))
    }
  })

  it("stays in the calling thread for most where one in a hundred is long", () => {
    const pace = new SyncPace()
    let where = ""
    for (let i = 0; i < 100; i++) where += syncs(pace, 99, 0.2) + syncs(pace, 1, 2)
    expect(where.split("h").length - 1).toBeGreaterThan(9000)
  })

  it("holds the thread once in 65 syncs where they are a little too long", () => {
    const where = syncs(new SyncPace(), 6900, 1.5)
    expect(where.split("h").length - 1).toBeLessThanOrEqual(110)
  })
})
