import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { LsmStore } from "effect-lsm"
import { type DirectoryOptions, LevelError, LsmLevel } from "effect-lsm/AbstractLevel"
import { inDirectory } from "./inDirectory.js"

/** Opens a database, and returns the code of what opening failed with. */
const refusalOf = async (location: string, options?: DirectoryOptions<string, string>): Promise<unknown> => {
  const database = new LsmLevel(location, options)
  try {
    await database.open()
  } catch (error) {
    expect(error).toMatchObject({ code: "LEVEL_DATABASE_NOT_OPEN" })
    return (error as { cause: { code: unknown } }).cause.code
  }
  await database.close()
  return undefined
}

const filled = async (location: string): Promise<void> => {
  const database = new LsmLevel(location)
  await database.put("a", "1")
  await database.close()
}

describe("opening a Level database", () => {
  inDirectory("is refused while the directory is open", async (location) => {
    const database = new LsmLevel(location)
    await database.open()
    expect(await refusalOf(location)).toBe("LEVEL_LOCKED")
    await database.close()
    expect(await refusalOf(location)).toBeUndefined()
  })

  inDirectory("is refused if a file is damaged", async (location) => {
    await filled(location)
    const path = join(location, "CURRENT")
    const bytes = readFileSync(path)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(path, bytes)
    expect(await refusalOf(location)).toBe("LEVEL_CORRUPTION")
  })

  inDirectory("is refused if the system refuses a file", async (location) => {
    mkdirSync(location)
    writeFileSync(join(location, "file"), "")
    expect(await refusalOf(join(location, "file"))).toBe("LEVEL_IO_ERROR")
  })

  inDirectory("is refused with a wrong option", async (location) => {
    expect(await refusalOf(location, { memtableBytes: -1 })).toBe("LEVEL_INVALID_ARGUMENT")
  })

  inDirectory("heeds createIfMissing and errorIfExists", async (location) => {
    expect(await refusalOf(location, { createIfMissing: false })).toBe("LEVEL_NOT_FOUND")
    expect(await refusalOf(location, { readOnly: true })).toBe("LEVEL_NOT_FOUND")
    await filled(location)
    expect(await refusalOf(location, { createIfMissing: false })).toBeUndefined()
    expect(await refusalOf(location, { errorIfExists: true })).toBe("LEVEL_EXISTS")
  })

  it("needs a location or a store of this library", () => {
    for (const wrong of ["", undefined, null, 1, {}]) {
      expect(() => new LsmLevel(wrong as string)).toThrow(TypeError)
    }
  })

  it.scoped("needs a namespace that has a name", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory()
      for (const namespace of ["", "\ud800", 1 as unknown as string]) {
        expect(() => new LsmLevel(store, { namespace })).toThrow(TypeError)
      }
    })
  )
})

describe("the errors of a Level database", () => {
  inDirectory("say that it is read-only", async (location) => {
    await filled(location)
    const database = new LsmLevel(location, { readOnly: true })
    const refused = { name: "LevelError", code: "LEVEL_READONLY", cause: { _tag: "StoreReadOnly" } }
    expect(await database.get("a")).toBe("1")
    await expect(database.put("b", "2")).rejects.toMatchObject(refused)
    await expect(database.del("a")).rejects.toMatchObject(refused)
    await expect(database.batch([{ type: "del", key: "a" }])).rejects.toMatchObject(refused)
    await expect(database.batch().del("a").write()).rejects.toMatchObject(refused)
    await expect(database.clear()).rejects.toMatchObject(refused)
    await expect(database.clear({ limit: 1 })).rejects.toMatchObject(refused)
    expect(await database.keys().all()).toEqual(["a"])
    await database.close()
  })

  inDirectory("name keys and values that the store cannot have", async (location) => {
    const database = new LsmLevel<string | Uint8Array>(location)
    const long = new Uint8Array(64 * 1024 + 1)
    await expect(database.put(long, "", { keyEncoding: "view" })).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    await expect(database.put("\ud800", "")).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    await expect(database.put("a", "\ud800")).rejects.toMatchObject({ code: "LEVEL_INVALID_VALUE" })
    await expect(database.get("\ud800")).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    expect(() => database.getSync("\ud800")).toThrow(LevelError)
    await expect(database.has("\ud800")).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    await expect(database.keys({ gte: "\ud800" }).next()).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    await expect(database.clear({ gte: "\ud800" })).rejects.toMatchObject({ code: "LEVEL_INVALID_KEY" })
    const batch = [{ type: "put" as const, key: "\ud800", value: "" }]
    await expect(database.batch(batch)).rejects.toMatchObject({ code: "LEVEL_INVALID_ARGUMENT" })
    await database.batch([{ type: "put", key: "a", value: "1" }])
    expect(await database.iterator().all()).toEqual([["a", "1"]])
    await database.close()
  })

  inDirectory("name snapshots of another store", async (location) => {
    const database = new LsmLevel(location)
    const other = new LsmLevel(`${location}-other`)
    await Promise.all([database.open(), other.open()])
    const snapshot = other.snapshot()
    await expect(database.get("a", { snapshot })).rejects.toMatchObject({ code: "LEVEL_INVALID_ARGUMENT" })
    await expect(database.keys({ snapshot }).next()).rejects.toMatchObject({ code: "LEVEL_INVALID_ARGUMENT" })
    await Promise.all([database.close(), other.close()])
  })

  it.effect("say that the store it shares is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const store = yield* Scope.extend(LsmStore.makeMemory(), scope)
      const database = new LsmLevel(store)
      yield* Effect.promise(() => database.put("a", "1"))
      const keys = database.keys()
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(async () => {
        const closed = { code: "LEVEL_DATABASE_NOT_OPEN" }
        await expect(database.get("a")).rejects.toMatchObject(closed)
        await expect(database.put("a", "2")).rejects.toMatchObject(closed)
        await expect(keys.next()).rejects.toMatchObject(closed)
        await expect(database.values().next()).rejects.toMatchObject(closed)
        expect(() => database.snapshot()).toThrow(LevelError)
        await database.close()
        await expect(database.open()).rejects.toMatchObject({ cause: closed })
      })
    })
  )
})
