import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describeWith } from "../support/describeWith.js"
import { complaint, output } from "../support/lsmkv.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

describeWith(NodeFileSystem.layer)("the options of lsmkv", (it) => {
  it.scoped("leave the next word to the arguments if they have no value", () =>
    Effect.gen(function* () {
      const store = `${yield* temporaryDirectory}/store`
      for (const key of ["1", "true", "off"]) {
        yield* output(["put", store, key, "value"])
        expect(yield* output(["get", store, "--raw", key])).toBe("value")
      }
      expect(yield* output(["get", store, "--raw=false", "1"])).toBe("value\n")
    })
  )

  it.scoped("come from every word that begins with a dash", () =>
    Effect.gen(function* () {
      expect(yield* complaint(["get", "./nowhere", "-key"])).toBe(
        "lsmkv: Unrecognized flag: -k in command lsmkv get (write -- before arguments that begin with a dash); see lsmkv get --help\n"
      )
    })
  )
})
