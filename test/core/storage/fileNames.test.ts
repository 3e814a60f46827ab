import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { maxU48 } from "../../../src/core/bytes/encoding.js"
import * as names from "../../../src/core/storage/fileNames.js"
import { check } from "../../support/property.js"

describe("file names", () => {
  it("read back for every file number", () => {
    check(
      FastCheck.property(
        FastCheck.oneof(FastCheck.integer({ min: 1, max: maxU48 }), FastCheck.integer({ min: 1, max: 2_000_000 })),
        (fileNumber) => {
          expect(names.parseFileName(names.logName(fileNumber))).toEqual({ kind: "log", fileNumber })
          expect(names.parseFileName(names.tableName(fileNumber))).toEqual({ kind: "table", fileNumber })
          expect(names.parseFileName(names.valuesName(fileNumber))).toEqual({ kind: "values", fileNumber })
          expect(names.parseFileName(names.manifestName(fileNumber))).toEqual({ kind: "manifest", fileNumber })
          expect(names.parseFileName(names.temporaryName(fileNumber))).toEqual({ kind: "temporary", fileNumber })
        }
      ),
      500
    )
    expect(names.parseFileName(names.currentName)).toEqual({ kind: "current" })
    expect(names.parseFileName(names.lockName)).toEqual({ kind: "lock" })
  })

  it.each([
    "",
    "000000.log",
    "MANIFEST-000000",
    "1.log",
    "00001.log",
    "0000001.log",
    "000001.LOG",
    "000001.log ",
    "000001.log\n",
    "000001.log.bak",
    "000001.txt",
    "-00001.log",
    "manifest-000001",
    "MANIFEST-000001.tmp",
    "current",
    "CURRENT.tmp",
    "CURRENT-1.tmp",
    "LOCK2",
    "٠٠٠٠٠١.log",
    "999999999999999.sst",
    "MANIFEST-281474976710656"
  ])("%j is a foreign file", (name) => {
    expect(names.parseFileName(name)).toBeUndefined()
  })

  it("accepts no other names", () => {
    check(
      FastCheck.property(
        FastCheck.stringMatching(/^(MANIFEST-|CURRENT-)?[0-9]{1,16}(\.log|\.sst|\.val|\.tmp)?$/),
        (name) => {
          const file = names.parseFileName(name)
          if (file === undefined || !("fileNumber" in file)) return
          const { logName, tableName, valuesName, manifestName, temporaryName } = names
          const canonical = {
            log: logName,
            table: tableName,
            values: valuesName,
            manifest: manifestName,
            temporary: temporaryName
          }
          expect(canonical[file.kind](file.fileNumber)).toBe(name)
        }
      ),
      500
    )
  })
})
