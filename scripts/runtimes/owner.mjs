// A program for each runtime and both editions: `owner.mjs open DIRECTORY` prints what opening gives, `owner.mjs STATE DIRECTORY` comes into that state,
// prints `holds`, and stays in it until it is killed.
import { spawn } from "node:child_process"
import { Effect, Layer } from "effect"
import { LsmStore, Storage } from "effect-lsm"

const [state, directory] = process.argv.slice(2)
const holds = Effect.sync(() => console.log("holds"))

/** Stops right after the lock. */
const opening = Effect.gen(function* () {
  const storage = yield* Storage.make
  const lock = (path, mode) => storage.lock(path, mode).pipe(Effect.andThen(holds), Effect.andThen(Effect.never))
  const slow = Layer.succeed(Storage.Storage, { ...storage, lock })
  yield* Layer.build(Layer.provide(LsmStore.layerFromStorage({ directory }), slow))
})

const open = (options) => LsmStore.make({ directory, ...options })

const states = {
  open: Effect.as(open(), "opens"),
  opening,
  read: Effect.flatMap(open(), (store) => store.get("key")),
  "read-only": Effect.flatMap(open({ readOnly: true }), (store) => store.get("key")),
  wrote: Effect.flatMap(open(), (store) => store.put("key", "value")),
  writing: Effect.flatMap(open(), (store) => Effect.forkScoped(Effect.forever(store.put("key", "value")))),
  /** A child outlives the owner. */
  parent: Effect.tap(open(), () => Effect.sync(() => spawn("sleep", ["60"], { stdio: "ignore" })))
}

const program = Effect.flatMap(states[state], (outcome) =>
  outcome === "opens" ? Effect.sync(() => console.log(outcome)) : Effect.andThen(holds, Effect.never)
)
const reported = Effect.match(Effect.scoped(program), {
  onFailure: (error) => console.log(error._tag),
  onSuccess: () => undefined
})
setInterval(() => undefined, 60_000)
await Effect.runPromise(reported)
process.exit()
