// Shows a first program: it opens a store, writes, reads and scans. The next run finds what this one wrote.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/first-program.ts
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Option, Stream } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"

const decoder = new TextDecoder()

const program = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore

  const runs = Option.match(yield* store.getString("runs"), { onNone: () => 0, onSome: Number })
  // On disk when it returns: the default durability is "sync".
  yield* store.put("runs", String(runs + 1))
  yield* Console.log(`Run ${runs + 1} of this store`)

  // A batch is written as a whole or not at all.
  yield* store.write(
    WriteBatch.make().put("user:1", "Ada").put("user:2", "Grace").put("user:3", "Edsger").delete("user:4")
  )

  yield* Console.log(yield* store.getString("user:1"))

  // Entries arrive in chunks; `runForEachChunk` keeps them together.
  yield* store.scan({ prefix: "user:" }).pipe(
    Stream.runForEachChunk((entries) =>
      Effect.forEach(entries, ({ key, value }) => Console.log(`${decoder.decode(key)} is ${decoder.decode(value)}`), {
        discard: true
      })
    )
  )
})

// The layer opens the store, and closes it when the program ends, also by an error or Ctrl-C.
const store = LsmStore.layerConfig({
  directory: Config.string("DIRECTORY").pipe(Config.withDefault(join(tmpdir(), "effect-lsm-examples", "first-program")))
})

program.pipe(Effect.provide(store), NodeRuntime.runMain)
