import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LsmStore } from "effect-lsm"
import { describeWith } from "../support/describeWith.js"
import { complaintOf, lsmkv, output, program, spawnCommand, spawnLsmkv } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** Much more than fits into a pipe. */
const manyLines = Array.from({ length: 10_000 }, (_, i) => `${i}\t${"v".repeat(200)}\n`).join("")

const importMany = (store: string) => output(["import", store, "--durability", "buffered"], manyLines)

/** Checks that a store was closed properly: it is not locked, and its log is not torn. */
const expectSound = (store: string, entries: number) =>
  Effect.gen(function* () {
    const verified = (yield* output(["verify", store, "--json"])).trim().split("\n").at(-1)!
    expect(JSON.parse(verified)).toMatchObject({ ok: true, entries })
  })

describeWith(NodeFileSystem.layer)("the process of lsmkv", (it) => {
  it.effect("does the same as a process as in this process", () =>
    Effect.gen(function* () {
      expect(yield* spawnLsmkv(["--help"])).toStrictEqual(yield* lsmkv(["--help"]))
    })
  )

  it.scoped("reads and prints bytes unchanged", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
      expect(yield* spawnLsmkv(["put", store, "key"], { input: everyByte })).toMatchObject({ code: 0, stderr: "" })
      const raw = yield* spawnLsmkv(["get", store, "key", "--raw"])
      expect(raw).toMatchObject({ code: 0, stderr: "" })
      expect(raw.bytes.equals(everyByte)).toBe(true)
    })
  )

  it.scoped("imports from its own export through a pipe, and ends with its exit code", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* importMany(`${directory}/a`)
      const script = `"$0" "$1" export a | "$0" "$1" import b --durability buffered; echo $?; "$0" "$1" get b absent; echo $?`
      const shell = yield* spawnCommand("sh", ["-c", `cd '${directory}' && ${script}`, process.execPath, program()])
      expect(shell).toMatchObject({ code: 0, stderr: "" })
      expect(shell.stdout).toBe("10,000 puts and 0 deletes in 10 batches\n0\n1\n")
      expect(yield* output(["export", `${directory}/b`])).toBe(yield* output(["export", `${directory}/a`]))
    })
  )

  it.scoped("reports that a store is open elsewhere", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const elsewhere = `lsmkv: ${directory} is open elsewhere\n`
      yield* Effect.gen(function* () {
        const store = yield* LsmStore.make({ directory })
        yield* store.put("key", "value")
        expect(complaintOf(yield* spawnLsmkv(["get", directory, "key"]))).toBe(elsewhere)
        expect(complaintOf(yield* spawnLsmkv(["put", directory, "key", "other"]))).toBe(elsewhere)
      }).pipe(Effect.scoped)
      expect(yield* output(["get", directory, "key"])).toBe("value\n")
    })
  )

  it.scoped("ends quietly when its reader closes the pipe", () =>
    Effect.gen(function* () {
      const store = yield* temporaryDirectory
      yield* importMany(store)
      for (const name of ["export", "scan"]) {
        const cut = yield* spawnLsmkv([name, store], { closeAfterFirst: true })
        expect(cut).toMatchObject({ code: 0, stderr: "" })
        expect(cut.stdout).toMatch(/^0\tv+\n1\tv+\n10\tv+\n/)
        expect(cut.bytes.length).toBeLessThan(1024 * 1024)
        yield* expectSound(store, 10_000)
      }
    })
  )

  it.scoped("closes the store when a signal interrupts it while it waits for output or input", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      yield* importMany(store)
      const printing = yield* spawnLsmkv(["export", store], { signal: "SIGINT" })
      expect(printing).toMatchObject({ code: 130, stderr: "" })
      expect(printing.bytes.length).toBeLessThan(manyLines.length)
      yield* expectSound(store, 10_000)

      const reading = yield* spawnLsmkv(["import", store, "--log-level", "debug"], {
        input: "unfinished",
        keepInput: true,
        signal: "SIGTERM"
      })
      expect(reading).toMatchObject({ code: 130, stdout: "" })
      expect(reading.stderr).toContain("opened")
      yield* expectSound(store, 10_000)
    })
  )
})
