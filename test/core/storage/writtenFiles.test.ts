import { describe, expect, it } from "vitest"
import type { StorageFile } from "../../../src/core/storage/storageDriver.js"
import { WrittenFiles } from "../../../src/core/storage/writtenFiles.js"

type Done = (failure: Error | undefined) => void

/** Files whose syncs end when the test says so. */
const disk = () => {
  const begun: Array<string> = []
  const underWay: Array<Done> = []
  const file = (path: string): StorageFile =>
    ({
      path,
      sync: (done: Done) => {
        begun.push(path)
        underWay.push(done)
      }
    }) as Partial<StorageFile> as StorageFile
  const end = (failure?: Error): void => underWay.shift()!(failure)
  return { begun, underWay, file, end }
}

describe("the files that a job writes", () => {
  it("are synced one at a time, each when the next one of its kind begins", () => {
    const { begun, underWay, file, end } = disk()
    const files = new WrittenFiles()
    files.begin("table", file("t1"))
    files.begin("values", file("v1"))
    expect(begun).toEqual([])
    files.begin("table", file("t2"))
    expect(begun).toEqual(["t1"])
    files.begin("values", file("v2"))
    files.begin("table", file("t3"))
    expect([begun, underWay.length]).toEqual([["t1"], 1])
    end()
    end()
    expect(begun).toEqual(["t1", "v1", "t2"])
    const outcomes: Array<Error | undefined> = []
    files.sync((failure) => outcomes.push(failure))
    end()
    end()
    expect(outcomes).toEqual([])
    end()
    expect(outcomes).toEqual([undefined])
    expect(begun.sort()).toEqual(["t1", "t2", "t3", "v1", "v2"])
    expect(files.all.map(({ path }) => path)).toEqual(["t1", "v1", "t2", "v2", "t3"])
  })

  it("call back at once if there are none", () => {
    let isDone = false
    new WrittenFiles().sync(() => {
      isDone = true
    })
    expect(isDone).toBe(true)
  })

  it("tell of the first failed sync, and begin no other", () => {
    const { begun, file, end } = disk()
    const files = new WrittenFiles()
    for (const name of ["t1", "t2", "t3"]) files.begin("table", file(name))
    const failure = new Error("full")
    end(failure)
    const outcomes: Array<Error | undefined> = []
    files.sync((cause) => outcomes.push(cause))
    expect([begun, outcomes]).toEqual([["t1"], [failure]])
  })

  it("can be closed when the sync under way has ended, and no other begins", () => {
    const { begun, file, end } = disk()
    const files = new WrittenFiles()
    for (const name of ["t1", "t2", "t3"]) files.begin("table", file(name))
    let isStopped = false
    files.stop(() => {
      isStopped = true
    })
    expect(isStopped).toBe(false)
    end()
    expect([begun, isStopped]).toEqual([["t1"], true])
  })
})
