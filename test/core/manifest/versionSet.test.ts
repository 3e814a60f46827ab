import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { type TableChanges, Version } from "../../../src/core/manifest/version.js"
import { type PinnedVersion, VersionSet } from "../../../src/core/manifest/versionSet.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { check } from "../../support/property.js"
import { table } from "../../support/versions.js"

const step = FastCheck.oneof(
  FastCheck.record({ step: FastCheck.constantFrom("add", "remove", "move", "nothing"), choice: FastCheck.nat() }),
  FastCheck.record({ step: FastCheck.constantFrom("pin", "release", "release again", "take"), choice: FastCheck.nat() })
)

/** Each table has a handle to a file with values, and every second one shares it with the one before. */
const valuesOf = (fileNumber: number) => 1000 + Math.floor(fileNumber / 2)

const withValues = (fileNumber: number, from: number): TableMeta => ({
  ...table(fileNumber, from, from),
  valueRefs: [{ fileNumber: valuesOf(fileNumber), entries: 1, bytes: 10 }]
})

const valueFiles = (version: Version): ReadonlyArray<number> => [...version.valueFiles.keys()]

const numbers = (version: Version): ReadonlyArray<number> => version.levels.flat().map(({ fileNumber }) => fileNumber)

describe("a version set", () => {
  it("reports a table and a file with values once, when the last version that has it is released", () => {
    check(
      FastCheck.property(FastCheck.array(step, { maxLength: 60, size: "max" }), (steps) => {
        let told = 0
        const first = new Version(Version.empty.levels.map((_, level) => (level === 2 ? [table(1, 1, 2)] : [])))
        const set = new VersionSet(first, () => told++)
        const install = (changes: TableChanges) => set.install(set.current.apply(changes), changes)
        const pins: Array<PinnedVersion> = []
        const released: Array<PinnedVersion> = []
        const ever = new Set<number>([1])
        const reported: Array<number> = []
        const everValues = new Set<number>()
        const reportedValues: Array<number> = []
        let last = 1
        const take = () => {
          const some = set.takeObsolete()
          const files = set.takeObsoleteValues()
          expect(told > 0).toBe(some.length + files.length > 0)
          told = 0
          reported.push(...some)
          reportedValues.push(...files.map(({ fileNumber }) => fileNumber))
        }
        for (const { step: what, choice } of steps) {
          const current = numbers(set.current)
          const chosen = current[choice % current.length]
          const level = set.current.levels.findIndex((tables) => tables.some(({ fileNumber }) => fileNumber === chosen))
          if (what === "add") {
            const added = withValues(++last, last)
            ever.add(last)
            // A file that is no longer in use never comes back.
            const file = { fileNumber: valuesOf(last), kind: "values", size: 100 } as const
            const isGone = everValues.has(file.fileNumber) && !set.current.valueFiles.has(file.fileNumber)
            const { valueRefs, ...without } = added
            if (!isGone) everValues.add(file.fileNumber)
            const isNew = !isGone && !set.current.valueFiles.has(file.fileNumber)
            expect(valueRefs).toHaveLength(1)
            install({
              removed: [],
              added: [{ level: 0, table: isGone ? without : added }],
              valueFiles: isNew ? [file] : []
            })
          } else if (what === "remove" && chosen !== undefined) {
            install({ removed: [{ level, fileNumber: chosen }], added: [] })
          } else if (what === "move" && chosen !== undefined) {
            const moved = set.current.levels.flat().find(({ fileNumber }) => fileNumber === chosen)!
            const removed = [{ level, fileNumber: chosen }]
            install({ removed, added: [{ level: choice % 2, table: moved }] })
          } else if (what === "nothing") {
            install({ removed: [], added: [] })
          } else if (what === "pin") {
            const pin = set.pin()
            expect(pin.version).toBe(set.current)
            pins.push(pin)
          } else if (what === "release" && pins.length > 0) {
            const [pin] = pins.splice(choice % pins.length, 1)
            pin!.release()
            released.push(pin!)
          } else if (what === "release again") {
            released[choice % released.length]?.release()
          } else if (what === "take") {
            take()
          }
          if (choice % 2 === 0) {
            take()
            const held = new Set([set.current, ...pins.map(({ version }) => version)].flatMap(numbers))
            expect([...reported].sort()).toEqual([...ever].filter((n) => !held.has(n)).sort())
            const heldValues = new Set([set.current, ...pins.map(({ version }) => version)].flatMap(valueFiles))
            expect([...reportedValues].sort()).toEqual([...everValues].filter((n) => !heldValues.has(n)).sort())
            expect(set.pinned).toBe(new Set([set.current, ...pins.map(({ version }) => version)]).size)
          }
        }
        for (const pin of pins) pin.release()
        const removed = set.current.levels.flatMap((tables, level) =>
          tables.map(({ fileNumber }) => ({ level, fileNumber }))
        )
        install({ removed, added: [] })
        expect(numbers(set.current)).toEqual([])
        take()
        expect([...reported].sort()).toEqual([...ever].sort())
        expect([...reportedValues].sort()).toEqual([...everValues].sort())
      }),
      100
    )
  })
})
