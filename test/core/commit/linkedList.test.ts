import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { Linked, LinkedList } from "../../../src/core/commit/linkedList.js"
import { check } from "../../support/property.js"

class Element extends Linked {}

describe("a linked list", () => {
  it("holds what was added and not removed, in order", () => {
    check(
      FastCheck.property(FastCheck.array(FastCheck.option(FastCheck.nat(9), { nil: undefined })), (steps) => {
        const [list, other] = [new LinkedList<Element>(), new LinkedList<Element>()]
        const all: Array<Element> = []
        let held: Array<Element> = []
        for (const step of steps) {
          const element = step === undefined ? undefined : all[step]
          if (element === undefined) {
            const added = new Element()
            all.push(added)
            held.push(added)
            list.add(added)
          } else {
            expect(other.remove(element)).toBe(false)
            expect(list.remove(element)).toBe(held.includes(element))
            held = held.filter((one) => one !== element)
          }
          expect([...list]).toStrictEqual(held)
          expect(list.size).toBe(held.length)
          expect(list.oldest).toBe(held[0])
          expect(all.filter((one) => list.has(one))).toStrictEqual(held)
        }
      }),
      200
    )
  })
})
