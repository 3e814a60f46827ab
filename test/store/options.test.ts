import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { LsmOptions, LsmStore } from "effect-lsm"
import * as LsmConfig from "effect-lsm/LsmConfig"
import type { SimpleKind } from "../../src/core/options/kinds.js"
import { optionNames } from "../../src/core/options/options.js"
import { constantCase, kebabCase, type Setting, settings } from "../../src/core/options/settings.js"
import { complaint, lsmkv } from "../support/lsmkv.js"
import { checkAsync } from "../support/property.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const directory = "./data"

const wrong = (options: object): LsmOptions.LsmOptions => options as LsmOptions.LsmOptions

const resolve = (options: object) => LsmOptions.resolveOptions(wrong({ directory, ...options }))

const provided = <A, E>(effect: Effect.Effect<A, E>, variables: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(effect, ConfigProvider.fromJson({ LSM_DIRECTORY: directory, ...variables }))

const read = (variables: Readonly<Record<string, string>>) => provided(LsmConfig.load(), variables)

describe("an unknown option", () => {
  it.effect("is refused, and the error names it and the nearest one", () =>
    Effect.gen(function* () {
      const names: ReadonlyArray<readonly [name: string, near: string]> = [
        ["memtableByte", "memtableBytes"],
        ["memtablebytes", "memtableBytes"],
        ["memtable_bytes", "memtableBytes"],
        ["blockCahceBytes", "blockCacheBytes"],
        ["compresion", "compression"],
        ["level0StopTable", "level0StopTables"]
      ]
      for (const [name, near] of names) {
        expect(yield* Effect.flip(resolve({ [name]: 1 }))).toMatchObject({
          _tag: "InvalidArgument",
          argument: name,
          reason: `is not an option; the nearest is ${near}`
        })
      }
      expect((yield* Effect.flip(LsmOptions.resolveOptions(wrong({ directroy: "./data" })))).message).toBe(
        "directroy: is not an option; the nearest is directory"
      )
      expect((yield* Effect.flip(resolve({ port: 8080 }))).message).toBe("port: is not an option")
      expect((yield* Effect.flip(resolve({ ["x".repeat(100_000)]: 1 }))).reason).toBe("is not an option")
      for (const name of ["toString", "__proto__x", "constructor"]) {
        expect(yield* Effect.flip(resolve({ [name]: 1 }))).toMatchObject({ argument: name })
      }
    })
  )

  it.effect("is refused inside of an option", () =>
    Effect.gen(function* () {
      const nested = [
        [{ durability: { interval: 1, maxByte: 5 } }, "durability: maxByte is not an option; the nearest is maxBytes"],
        [{ changeRetention: { byte: 5 } }, "changeRetention: byte is not an option; the nearest is bytes"]
      ] as const
      for (const [options, message] of nested) expect((yield* Effect.flip(resolve(options))).message).toBe(message)
    })
  )

  it.effect("is none if it is undefined, and settings are options again", () =>
    Effect.gen(function* () {
      yield* resolve({ nothing: undefined, memtableBytes: undefined })
      const settings = yield* resolve({ changeRetention: { age: "1 hour" }, durability: { interval: "1 second" } })
      expect(yield* LsmOptions.resolveOptions(settings)).toBe(settings)
      const again = yield* LsmOptions.resolveOptions(wrong({ ...settings, maxKeyBytes: 7 }))
      expect(again).toStrictEqual({ ...settings, maxKeyBytes: 7 })
    })
  )
})

describe("a preset", () => {
  it.effect("gives the options that it is told to, less those that are given", () =>
    Effect.gen(function* () {
      for (const preset of Object.keys(LsmOptions.presets) as ReadonlyArray<LsmOptions.Preset>) {
        const named = yield* resolve({ preset })
        const spread = yield* resolve(LsmOptions.presets[preset])
        expect(named).toStrictEqual(spread)
        expect(named).toMatchObject(LsmOptions.presets[preset])
        expect(named.durability).toBe("sync")
      }
      const own = yield* resolve({ preset: "small", memtableBytes: 7, blockCacheBytes: undefined })
      expect(own).toMatchObject({ ...LsmOptions.presets.small, memtableBytes: 7 })
      expect(yield* Effect.flip(resolve({ preset: "tiny" }))).toMatchObject({ argument: "preset" })
    })
  )
})

/** Text that may be a value of a kind, near its bounds and elsewhere. */
const texts = (kind: SimpleKind): FastCheck.Arbitrary<string> => {
  const odd = FastCheck.constantFrom(
    "",
    " ",
    "x",
    "-1",
    "0",
    "1",
    "1.5",
    "Infinity",
    "NaN",
    "true",
    "5 minutes",
    "none"
  )
  const around = (bound: number) => FastCheck.integer({ min: -2, max: 2 }).map((by) => String(bound + by))
  switch (kind.type) {
    case "whole":
      return FastCheck.oneof(
        around(kind.least),
        around(kind.most),
        FastCheck.constantFrom("1 KiB", "2MiB", "0.5 kB"),
        odd
      )
    case "real":
      return FastCheck.oneof(
        FastCheck.constantFrom(kind.least, kind.most, kind.least / 2, kind.most * 1.01, kind.least * 1.01).map(String),
        odd
      )
    case "mode":
      return FastCheck.oneof(
        FastCheck.integer({ min: 0o500, max: 0o1000 }).map((mode) => mode.toString(8)),
        odd
      )
    case "choice":
      return FastCheck.oneof(FastCheck.constantFrom(...kind.values, kind.values.join(",")), odd)
    case "duration":
      return FastCheck.oneof(
        FastCheck.constantFrom("1 seconds", "0 millis", "2 days", "17", "-1 millis", "1 parsec"),
        odd
      )
    default:
      return odd
  }
}

/** A value as JSON has it, from its text. */
const jsonOf = ({ kind }: Setting, text: string): unknown => {
  if (kind.type === "flag" && (text === "true" || text === "false")) return text === "true"
  return kind.type === "choice" && kind.list && text.includes(",") ? text.split(",") : text
}

/** Options with one setting, and what it needs beside it. */
const optionsWith = ({ field, option }: Setting, value: unknown): Readonly<Record<string, unknown>> => {
  if (option === "directory") return { directory: value }
  if (field === undefined) return { directory, [option]: value }
  return { directory, [option]: { ...(option === "durability" ? { interval: 1 } : {}), [field]: value } }
}

/** Bounds that depend on other options, and what this runtime lacks, are checked when a store is opened. */
const together: ReadonlyArray<string> = ["entryCacheBytes", "level0SlowdownTables", "level0StopTables", "recovery"]

const all = settings(optionNames)

describe("the bounds of each option", () => {
  it.effect("are the same for a Schema, for variables and for opening a store", () =>
    Effect.promise(() =>
      checkAsync(
        FastCheck.asyncProperty(
          FastCheck.constantFrom(...all).chain((each) => FastCheck.tuple(FastCheck.constant(each), texts(each.kind))),
          async ([each, text]) => {
            const json = optionsWith(each, jsonOf(each, text))
            const decoded = Schema.decodeUnknownEither(LsmConfig.schema)(json)
            const beside = each.field === "maxBytes" ? { LSM_DURABILITY_INTERVAL: "1" } : {}
            const variable = `LSM_${constantCase(each.path)}`
            const loaded = await Effect.runPromise(Effect.either(read({ ...beside, [variable]: text })))
            const about = `${each.path} = ${JSON.stringify(text)}`
            // JSON has true and false, and no other words for them.
            const isJson = each.kind.type !== "flag" || typeof jsonOf(each, text) === "boolean"
            // A variable that is empty counts as absent.
            if (isJson && text !== "") {
              expect(Either.isRight(decoded), about).toBe(Either.isRight(loaded))
            }
            if (Either.isLeft(loaded)) {
              expect(String(loaded.left), about).toContain(variable)
              return
            }
            const opened = await Effect.runPromise(Effect.either(LsmOptions.resolveOptions(loaded.right)))
            if (together.includes(each.option) || text.includes("zstd")) return
            expect(Either.isRight(opened), about).toBe(true)
            if (!Either.isRight(decoded) || text === "") return
            const same = await Effect.runPromise(LsmOptions.resolveOptions(decoded.right))
            expect(opened, about).toStrictEqual(Either.right(same))
            const again = Schema.decodeUnknownEither(LsmConfig.schema)(
              Schema.encodeSync(LsmConfig.schema)(decoded.right)
            )
            expect(Either.isRight(again), about).toBe(true)
          }
        ),
        200
      )
    )
  )

  it.effect("are those of opening a store with numbers, also beyond them", () =>
    Effect.gen(function* () {
      for (const each of all) {
        const { kind } = each
        if (kind.type !== "whole" && kind.type !== "real") continue
        const step = kind.type === "whole" ? 1 : kind.least / 10 || 0.1
        for (const value of [kind.least, kind.most, kind.least - step, kind.most * 2 + step, Number.NaN, "1"]) {
          const outcome = yield* Effect.either(resolve(optionsWith(each, value)))
          const decoded = Schema.decodeUnknownEither(LsmConfig.schema)(optionsWith(each, value))
          const isGood = typeof value === "number" && value >= kind.least && value <= kind.most
          if (!together.includes(each.option)) expect(Either.isRight(outcome), `${each.path} ${value}`).toBe(isGood)
          if (value !== "1") expect(Either.isRight(decoded), `${each.path} ${value}`).toBe(isGood)
          if (Either.isLeft(outcome) && !together.includes(each.option)) {
            expect(outcome.left.argument).toBe(each.option)
          }
        }
      }
    })
  )

  it.scoped("are the same for the command line", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      for (const each of all) {
        const { kind, option, path } = each
        if (["directory", "createIfMissing", "readOnly", "recovery", "durability"].includes(option)) continue
        if (kind.type !== "whole" && kind.type !== "real" && kind.type !== "mode") continue
        const tell = (value: number) => (kind.type === "mode" ? value.toString(8) : String(value))
        for (const value of [kind.least - 1e-7 - (kind.type === "real" ? 0 : 1), kind.most + 1].map(tell)) {
          const words = ["get", store, "key", `--${kebabCase(path)}=${value}`]
          expect(yield* complaint(words)).toContain(`--${kebabCase(path)} must `)
        }
      }
    })
  )
})

describe("the Schema of options", () => {
  it("reads sizes, durations, permissions and infinity", () => {
    const json: LsmConfig.OptionsJson = {
      directory,
      memtableBytes: "64 MiB",
      blockCacheBytes: 1000,
      durability: { interval: "10 millis", maxBytes: "2 kB" },
      snapshotWarning: "Infinity",
      valueThreshold: "Infinity",
      fileMode: "0640",
      compression: ["none", "deflate"],
      changeRetention: { age: 1000 }
    }
    const options = Schema.decodeSync(LsmConfig.schema)(json)
    expect(options).toStrictEqual({
      directory,
      memtableBytes: 64 * 1024 * 1024,
      blockCacheBytes: 1000,
      durability: { interval: Duration.millis(10), maxBytes: 2000 },
      snapshotWarning: Duration.infinity,
      valueThreshold: Number.POSITIVE_INFINITY,
      fileMode: 0o640,
      compression: ["none", "deflate"],
      changeRetention: { age: Duration.seconds(1) }
    })
    const encoded = Schema.encodeSync(LsmConfig.schema)(options)
    expect(JSON.parse(JSON.stringify(encoded))).toStrictEqual(encoded)
    expect(Schema.decodeSync(LsmConfig.schema)(encoded)).toStrictEqual(options)
  })

  it("names what is wrong, and the nearest option", () => {
    const failure = (json: object) => String(Schema.decodeUnknownEither(LsmConfig.schema)({ directory, ...json }))
    expect(failure({ memtableByte: 5 })).toContain("memtableByte is not an option; the nearest is memtableBytes")
    const large = failure({ memtableBytes: "5 GiB" })
    expect(large).toContain("memtableBytes")
    expect(large).toMatch(/must be (1 B to 1 GiB|a whole number from 1 to 1073741824)/)
  })
})

describe("variables", () => {
  it.effect("give options, and a prefix of its own has others", () =>
    Effect.gen(function* () {
      const options = yield* read({
        LSM_MEMTABLE_BYTES: "8 MiB",
        LSM_COMPRESSION: "none, deflate",
        LSM_DURABILITY_INTERVAL: "10 millis",
        LSM_CHANGE_RETENTION_BYTES: "1 GiB",
        LSM_PRESET: "small",
        LSM_BACKGROUND_THREAD: "no"
      })
      expect(options).toStrictEqual({
        directory,
        preset: "small",
        memtableBytes: 8 * 1024 * 1024,
        compression: ["none", "deflate"],
        durability: { interval: Duration.millis(10) },
        changeRetention: { bytes: 1024 ** 3 },
        backgroundThread: false
      })
      const provider = ConfigProvider.fromJson({ MY_STORE_DIRECTORY: "./mine", LSM_DIRECTORY: "./other" })
      expect(yield* Effect.withConfigProvider(LsmConfig.load("MY_STORE"), provider)).toStrictEqual({
        directory: "./mine"
      })
    })
  )

  it.effect("that are bad, unknown or missing fail with an error that names them", () =>
    Effect.gen(function* () {
      const wrongs: ReadonlyArray<readonly [Readonly<Record<string, string>>, ReadonlyArray<string>]> = [
        [{ LSM_MEMTABLE_BYTES: "much" }, ["LSM_MEMTABLE_BYTES", "must be a size such as 4096 or 64 MiB"]],
        [{ LSM_MEMTABLE_BYTE: "1" }, ["LSM_MEMTABLE_BYTE", "the nearest is LSM_MEMTABLE_BYTES"]],
        [{ LSM_DURABILITY_MAX_BYTES: "1" }, ["LSM_DURABILITY_MAX_BYTES", "needs LSM_DURABILITY_INTERVAL"]],
        [
          { LSM_DURABILITY: "sync", LSM_DURABILITY_INTERVAL: "1" },
          ["LSM_DURABILITY_INTERVAL", "cannot be used beside LSM_DURABILITY"]
        ]
      ]
      for (const [variables, parts] of wrongs) {
        const error = String(yield* Effect.flip(read(variables)))
        for (const part of parts) expect(error).toContain(part)
      }
      const none = ConfigProvider.fromJson({ OTHER: "1" })
      const missing = String(yield* Effect.flip(Effect.withConfigProvider(LsmConfig.load(), none)))
      expect(missing).toContain("LSM_DIRECTORY")
      expect(yield* read({ LSM_MEMTABLE_BYTES: "", LSM_NAME: "" })).toStrictEqual({ directory })
      // Other programs may have variables of their own with the prefix.
      expect(yield* read({ LSM_SOMETHING_ELSE: "1" })).toStrictEqual({ directory })
    })
  )

  it.scoped("open a store by layerConfig", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      const use = Effect.flatMap(LsmStore.LsmStore, ({ stats }) => stats)
      const variables = { LSM_DIRECTORY: store, MINE_DIRECTORY: store }
      for (const layer of [
        LsmStore.layerConfig(),
        LsmStore.layerConfig("MINE"),
        LsmStore.layerConfig(LsmConfig.config("MINE")),
        LsmStore.layerConfig({ directory: Config.string("MINE_DIRECTORY") })
      ]) {
        expect((yield* provided(Effect.provide(use, layer), variables)).directory).toBe(store)
      }
      const mistyped = provided(Effect.provide(use, LsmStore.layerConfig()), { ...variables, LSM_LEVEL_RATI: "3" })
      expect(String(yield* Effect.flip(mistyped))).toContain("LSM_LEVEL_RATIO")
      expect((yield* lsmkv(["stats", store])).code).toBe(0)
    })
  )

  it.effect("of the environment are seen too, whose names are split", () =>
    Effect.gen(function* () {
      process.env["LSM_TEST_OF_OPTIONS_DIRECTORY"] = directory
      process.env["LSM_TEST_OF_OPTIONS_LEVEL1_BYTE"] = "5"
      const load = () => Effect.withConfigProvider(LsmConfig.load("LSM_TEST_OF_OPTIONS"), ConfigProvider.fromEnv())
      expect(String(yield* Effect.flip(load()))).toContain("LSM_TEST_OF_OPTIONS_LEVEL1_BYTES")
      delete process.env["LSM_TEST_OF_OPTIONS_LEVEL1_BYTE"]
      expect(yield* load()).toStrictEqual({ directory })
    }).pipe(Effect.ensuring(Effect.sync(() => delete process.env["LSM_TEST_OF_OPTIONS_DIRECTORY"])))
  )
})
