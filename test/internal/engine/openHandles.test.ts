import { describe, expect, it } from "@effect/vitest"
import { OpenHandles } from "../../../src/internal/engine/openHandles.js"

describe("open handles", () => {
  it("closes what was not forgotten, also if closing forgets others and itself", () => {
    const handles = new OpenHandles()
    const closed: Array<number> = []
    const forgets = [0, 1, 2, 3, 4].map((i) =>
      handles.add(() => {
        closed.push(i)
        forgets[i]!()
        forgets[(i + 1) % 5]!()
      })
    )
    forgets[0]!()
    forgets[2]!()
    forgets[2]!()
    forgets[4]!()
    handles.closeAll()
    expect([...closed].sort()).toEqual([1, 3])
    handles.closeAll()
    expect(closed).toHaveLength(2)
  })
})
